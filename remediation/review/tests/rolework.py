"""A draft that brings a role, for tests: the log hygiene that the product ships, on one host of the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from portal.access.models import Person
from portal.kit.actors import system
from portal.signoff import plans
from portal.signoff.plans import NewPlan
from portal.signoff.states import Stage
from remediation.drafting import roles, schema
from remediation.drafting.models import Revision
from remediation.playbooks import proofs, prooftext
from remediation.playbooks.shapes import Facts, Kind, Outcome, TaskResult
from remediation.playbooks.states import ProofStatus
from remediation.review import testing as review

FOLDER = Path(__file__).parents[2] / "knowledge" / "roles" / "log_hygiene"
MAIN, BACK_OUT, DEFAULTS = "tasks/main.yml", "tasks/backout.yml", "defaults/main.yml"
HOST = "log-ship-1"


def files() -> dict[str, str]:
    """The files of the shipped role by their paths; what is not a part of a role is left out."""
    found = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*.yml"))}
    return {name: path.read_text() for name, path in found.items() if "/" in name}


def part(**changed: str) -> schema.RolePart:
    """The role, with texts of files replaced: `part(**{MAIN: ...})`."""
    texts = files() | changed
    return schema.RolePart(
        name="log_hygiene",
        root_cause="Nothing rotates the logs.",
        symptom="The disk is full.",
        files=[schema.RoleFile(path=path, text=text) for path, text in texts.items()],
        paths=["/etc/systemd/journald.conf.d", "/etc/logrotate.conf", "/var/log", "/var/backups/log_hygiene"],
        services=["systemd-journald"],
        packages=[],
    )


def draft(**changed: str) -> dict[str, Any]:
    """A draft that applies it to one log shipper."""
    role = part(**changed)
    steps = roles.steps_for(role, [HOST], source="runbook log-hygiene v1")
    whole = review.scale(
        steps=[step.model_dump(mode="json") for step in steps],
        role=role.model_dump(mode="json"),
        summary="Keep logs small.",
    )
    whole["scope"] |= {"service": None, "systems": [f"hosts:{HOST}"], "allowed_changes": [roles.OPERATION]}
    return whole


def proven(revision: Revision, shown: prooftext.Proof, to: ProofStatus, *, maker: Person, says: str = "") -> None:
    """A proof of this revision that has ended, under a merge plan that is void by now."""
    at, worker = timezone.now(), system("execution")
    new = NewPlan(
        stage=Stage.MERGE,
        subject=revision.remediation.ref,
        ticket=None,
        category_id=revision.remediation.category_id,
        risk="critical_write",
        content="a plan that is void by now",
        makers=[maker.pk],
        valid_until=at,
    )
    plan = plans.open_plan(new, actor=system("probe"), at=at)
    plans.void(plan, reason="Edited, or its proof failed.", actor=system("probe"), at=at)
    asked = proofs.ask(plan, revision, role=shown.role, host=shown.host, actor=worker, at=at)
    proofs.begin(asked, actor=worker, at=at)
    text = prooftext.text_of(shown)
    proofs.end(asked, to, says=says, actor=worker, at=at, text=text, digest=shown.digest)


def proof(*, again: str = "ok", is_unseen: bool = False) -> prooftext.Proof:
    """A proof of one task; `again` is how it ended in the second run, `is_unseen` that the second check left it out."""

    def played(title: str, kind: Kind, outcome: str, *, skipped: bool = False) -> prooftext.Part:
        task = TaskResult(
            kind, HOST, "Append a line", "ansible.builtin.lineinfile", MAIN, 9, Outcome(outcome), skipped, "+line", ""
        )
        return prooftext.Part(title, (kind,), int(outcome == "changed"), 0, int(skipped), 1_200, "", (task,))

    parts = (
        played("First check", Kind.CHECK, "changed"),
        played("Apply", Kind.APPLY, "changed"),
        played("Second check", Kind.CHECK, "ok", skipped=is_unseen),
        played("Second run", Kind.APPLY, again),
        played("Verify", Kind.VERIFY, "ok"),
        played("Back-out", Kind.BACK_OUT, "changed"),
    )
    holds = again == "ok" and not is_unseen
    return prooftext.Proof(
        host=HOST,
        is_lab=True,
        name="log_hygiene",
        role=roles.part_digest(part()),
        holds=holds,
        reasons=() if holds else ("Append a line (tasks/main.yml:9) changes something in every run.",),
        remains=(),
        parts=parts,
        facts=Facts("Debian", "12", "3.11", "systemd", "x86_64"),
        inventory="log-ship-1 in a folder of the lab",
        versions={"ansible-core": "2.19.14"},
        states={"before": "a" * 64, "after the back-out": "a" * 64},
        started_at="2026-05-04T10:00:00+00:00",
        ended_at="2026-05-04T10:00:21+00:00",
    )
