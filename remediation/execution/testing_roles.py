"""What tests of roles start from: a role of few tasks in a draft, and hosts of the lab to play it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import roles, schema
from remediation.drafting.models import Remediation
from remediation.execution.testing import SYMPTOMS, Signed
from remediation.playbooks import labhosts
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.tickets.services import NewEvidence

INCIDENT = {"description": SYMPTOMS, "category_slug": "server", "service_slug": "log-shipping"}
HOSTS = ("log-ship-1",)
SETTINGS = "/etc/logrotate.conf"
MAIN = """---
# REVIEW: from its next run on, logrotate deletes what is older
- name: Limit the age of rotated logs
  ansible.builtin.lineinfile:
    path: /etc/logrotate.conf
    regexp: '^\\s*maxage\\b'
    line: maxage {{ rotation_days }}
    insertbefore: BOF
"""
BACKOUT = """---
# REVIEW: rotated logs are kept for ever again
- name: Take the limit of the age of rotated logs out
  ansible.builtin.lineinfile:
    path: /etc/logrotate.conf
    regexp: '^\\s*maxage\\b'
    state: absent
"""
VERIFY = """---
- name: Read the settings of logrotate
  ansible.builtin.slurp:
    src: /etc/logrotate.conf
  register: rotation_settings

- name: The limit is set
  ansible.builtin.assert:
    that:
      - (rotation_settings.content | b64decode) is search('(?m)^maxage ' ~ rotation_days)
    quiet: true
"""
META = """---
galaxy_info:
  author: Countersign
  description: Limits the age of rotated logs
  license: MIT
  min_ansible_version: "2.16"
  platforms:
    - name: Debian
      versions:
        - all
dependencies: []
"""
ROLE = {
    "defaults/main.yml": "---\nrotation_days: 14\n",
    "meta/main.yml": META,
    "tasks/backout.yml": BACKOUT,
    "tasks/main.yml": MAIN,
    "tasks/verify.yml": VERIFY,
}


def role_draft(files: Mapping[str, str] | None = None, *, hosts: Sequence[str] = HOSTS) -> dict[str, Any]:
    """A draft that applies these files, or a good role, to hosts of the lab."""
    part = schema.RolePart.model_validate(
        {
            "name": "rotation",
            "root_cause": "Rotated logs are kept for ever.",
            "symptom": "disk_almost_full on the log shippers.",
            "files": [{"path": path, "text": text} for path, text in (files or ROLE).items()],
            "paths": [SETTINGS],
            "services": [],
            "packages": [],
        }
    )
    steps = roles.steps_for(part, hosts, source="test")
    whole = review.scale(
        summary="Limit the age of rotated logs.",
        steps=[step.model_dump(mode="json") for step in steps],
        role=part.model_dump(mode="json"),
    )
    whole["scope"] |= {"systems": [f"hosts:{host}" for host in hosts], "allowed_changes": [roles.OPERATION]}
    return whole


def lab_hosts(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> dict[str, Path]:
    """Four hosts of the lab, each a folder, and the file that says how they are reached."""
    found = {f"log-ship-{number}": folder / f"log-ship-{number}" for number in range(1, 5)}
    for name, path in found.items():
        labhosts.create_lab_folder(path, name, at=timezone.now())
    file = folder / "hosts.yml"
    lines = [f"  {name}:\n    folder: {path}\n" for name, path in found.items()]
    file.write_text("hosts:\n" + "".join(lines))
    settings.ANSIBLE_HOSTS = str(file)
    monkeypatch.setenv("ANSIBLE_HOSTS", str(file))
    return found


def merged(whole: dict[str, Any], *, cast: dict[str, Person], key: str = "INC-1", **ticket: Any) -> Signed:
    """A ticket with this draft, prepared and signed for the merge stage; its proof is waiting to be made."""
    seen = NewEvidence("command", "/var/log 98%", timezone.now() - timedelta(minutes=3), "df -h /var/log")
    opened = review.ticket(cast["engineer"], key, **{**INCIDENT, "evidence": [seen], **ticket})
    review.drafted(opened, whole)
    said = drain("probe")
    remediation = review.remediation_of(opened)
    tick_all(remediation, cast["reviewer"])
    return Signed(cast, opened, sign(remediation, Stage.MERGE, cast["reviewer"], said))


def tick_all(remediation: Remediation, person: Person) -> None:
    """Confirm every REVIEW item."""
    now = timezone.now()
    for each in reviews.standing(remediation, at=now).checklist:
        reviews.tick(remediation.pk, item=each.item.item, is_confirmed=True, person=person, door="page", at=now)


def sign(remediation: Remediation, stage: Stage, person: Person, said: Sequence[str] = ()) -> Plan:
    """Sign the open plan of a stage, as somebody who was shown it."""
    plan = Plan.objects.filter(subject_id=remediation.pk, stage=stage, status=PlanStatus.OPEN).first()
    if plan is None:
        raise RuntimeError(f"no {stage} plan: {review.remediation_of(remediation.ticket).status_reason} {said}")
    at = timezone.now()
    ballot = Ballot(typed=remediation.ticket.key, authenticated_at=at, sheet=review.shown(plan, at=at))
    reviews.sign(plan.pk, digest=plan.digest, stage=stage, person=person, ballot=ballot, door="page", at=at)
    return plan
