"""What tests of pull requests start from: a remediation whose role was just proven, and what its request says."""

from __future__ import annotations

from typing import Any

from portal.access.models import Person
from remediation.drafting.models import Drafter, Remediation, Revision
from remediation.drafting.states import Status
from remediation.playbooks.repository.content import (
    Cited,
    Confirmed,
    PassedGate,
    ProvenTask,
    RequestContent,
    Signer,
)
from remediation.review import testing as review

TASKS = """---
- name: Cap the journal
  ansible.builtin.copy:
    dest: /etc/systemd/journald.conf.d/size.conf
    content: "[Journal]\\nSystemMaxUse=500M\\n"
    owner: root
    group: root
    mode: "0644"
  notify: Restart journald
"""
BACK_OUT = """---
- name: Remove the cap
  ansible.builtin.file:
    path: /etc/systemd/journald.conf.d/size.conf
    state: absent
"""
HANDLERS = """---
- name: Restart journald
  ansible.builtin.systemd_service:
    name: systemd-journald
    state: restarted
"""
FILES = {"tasks/main.yml": TASKS, "tasks/backout.yml": BACK_OUT, "handlers/main.yml": HANDLERS}


def proven(cast: dict[str, Person], key: str = "INC-1") -> Remediation:
    """A remediation whose role has just been proven; the reviewer wrote its newest revision."""
    first = review.drafted(review.ticket(cast["engineer"], key))
    Revision.objects.create(
        remediation=first.remediation,
        number=2,
        drafter=Drafter.PERSON,
        author=cast["reviewer"],
        base=first,
        content=first.content,
        digest=first.digest,
        created_at=review.AT,
    )
    remediation = first.remediation
    for status in (Status.IN_REVIEW, Status.APPROVED_FOR_MERGE, Status.PROVEN):
        Remediation.objects.filter(pk=remediation.pk).update(status=status)
    return Remediation.objects.select_related("ticket", "category").get(pk=remediation.pk)


def content(**changes: Any) -> RequestContent:
    """What the request of a small role says, with fields replaced."""
    fields: dict[str, Any] = {
        "title": "Logs filled the disk",
        "ticket_key": "INC-1",
        "category": "kubernetes",
        "risk": "safe_write",
        "role_name": "log_cap",
        "files": FILES,
        "root_cause": "The journal has no cap.",
        "symptom": "The disk was full.",
        "hypothesis": "A cap keeps the journal small.",
        "blast_radius": "journald of the log shippers.",
        "back_out": "Remove the drop-in and restart journald.",
        "hosts": ["log-ship-1"],
        "proof_digest": "a" * 64,
        "proof_text": "countersign.proof/1\n{}",
        "evidence": [Cited("E1", "Archived and active journals take up 3.9G")],
        "tasks": [ProvenTask("log-canary", "Cap the journal", "tasks/main.yml:2", "changed", "ok")],
        "gates": [PassedGate("ansible-lint", "26.10.1", "passed")],
        "signers": [Signer("Rita", "rita", "2026-05-04T10:00:00+00:00")],
        "confirmed": [Confirmed("tasks/main.yml:2", "Sets the scope", "Rita")],
    }
    return RequestContent(**{**fields, **changes})
