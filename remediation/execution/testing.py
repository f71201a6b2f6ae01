"""What tests of runs start from: a ticket whose plan was drafted, prepared and signed twice by real people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from portal.access.models import Person
from portal.estate.models import Target
from portal.jobs.testing import drain
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import seed
from remediation.drafting.models import Remediation
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.policy.models import CategoryPolicy
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence

SECONDARY = {"cluster": "lab-k8s", "namespace": "payments", "deployment": "payments-secondary"}
SYMPTOMS = "payments_pods_unhealthy and disk_almost_full: the alerts of the lab that are under repair."
PRIMARY = {"cluster": "lab-k8s", "namespace": "payments", "deployment": "payments-primary"}


@dataclass(frozen=True, slots=True)
class Signed:
    """Everybody and everything around one signed rollout plan."""

    cast: dict[str, Person]
    ticket: Ticket
    plan: Plan

    @property
    def operator(self) -> Person:
        """Who may run and roll back."""
        return self.cast["operator"]

    @property
    def remediation(self) -> Remediation:
        """The remediation as it is now."""
        return review.remediation_of(self.ticket)

    @property
    def run(self) -> Run:
        """The run of the plan as it is now."""
        return Run.objects.select_related("plan", "remediation__ticket").get(plan=self.plan)

    def steps(self) -> list[str]:
        """The status of every step."""
        return list(StepRun.objects.filter(run__plan=self.plan).order_by("number").values_list("status", flat=True))

    def said(self) -> list[tuple[str, bool | None]]:
        """Phase and verdict of everything that was kept of the run."""
        return list(StepOutput.objects.filter(run_id=self.run.pk).values_list("phase", "is_good"))


def operation(name: str, title: str, parameters: Mapping[str, str | int], *, is_final: bool = False) -> dict[str, Any]:
    """A step of the catalogue; `is_final` where the catalogue knows no way back."""
    kind = "irreversible" if is_final else "catalogue"
    return {
        **review.SCALE["steps"][0],
        "title": title,
        "rollback": {"kind": kind, "says": "As the catalogue says.", "command": None},
        "review": "Is it worth it?" if is_final else None,
        "action": {
            "kind": "operation",
            "operation": name,
            "parameters": [{"name": each, "value": value} for each, value in parameters.items()],
        },
    }


def scaling(deployment: dict[str, str], before: int, after: int) -> dict[str, Any]:
    """A step that scales a deployment of the lab."""
    title = f"Scale {deployment['deployment']}"
    parameters: dict[str, str | int] = {**deployment, "from_replicas": before, "to_replicas": after}
    return operation("scale_deployment", title, parameters)


def command(title: str, line: str, /, *, way_back: str = "systemctl stop shipper") -> dict[str, Any]:
    """A step that people run on a log shipper."""
    return {
        **review.COMMAND_STEP,
        "title": title,
        "action": {"kind": "command", "system": "log-ship-1", "command": line},
        "rollback": {"kind": "command", "says": "Takes it back.", "command": way_back},
        "review": "Is this the right host?",
    }


def draft(*steps: dict[str, Any], systems: tuple[str, ...] = ()) -> dict[str, Any]:
    """A draft of these steps, its scope wide enough for them."""
    changes = {step["action"].get("operation", "command") for step in steps}
    whole = review.scale(steps=list(steps))
    whole["scope"] = whole["scope"] | {"systems": list(systems), "allowed_changes": sorted(changes)}
    return whole


def signed(
    whole: dict[str, Any],
    *,
    key: str = "INC-1",
    cast: dict[str, Person] | None = None,
    policy: dict[str, Any] | None = None,
    outside: str = "",
    ahead: tuple[datetime, datetime] | tuple[None, None] = (None, None),
    is_open: bool = False,
    **ticket: Any,
) -> Signed:
    """A ticket with this draft, prepared and signed for both stages now; the run itself is waiting to be started.

    `policy` changes every policy, `outside` names a target that does not belong to the lab, `ahead` is the time for
    which the run is approved, `ticket` are its fields. With `is_open` the rollout waits for its signature.
    """
    now = timezone.now()
    if cast is None:
        review.world()
        cast = review.people()
        seed.load(now)
    Target.objects.filter(identity=outside).update(is_lab=False)
    if policy:
        CategoryPolicy.objects.update(**policy)
    evidence = [NewEvidence("command", "payments-secondary 2/2", now - timedelta(minutes=3), "kubectl get deploy")]
    fields = {"evidence": evidence, "description": SYMPTOMS, **ticket}
    opened = review.ticket(cast["engineer"], key, **fields)
    review.drafted(opened, whole)
    prepared = drain("probe")
    remediation = review.remediation_of(opened)
    for ticked in reviews.standing(remediation, at=now).checklist:
        reviews.tick(
            remediation.pk, item=ticked.item.item, is_confirmed=True, person=cast["reviewer"], door="page", at=now
        )
    ballot = Ballot(typed=opened.key, authenticated_at=now)
    _sign(remediation, Stage.MERGE, cast["reviewer"], ballot, prepared)
    if is_open:
        return Signed(cast, opened, Plan.objects.get(subject_id=remediation.pk, stage=Stage.ROLLOUT))
    ballot = replace(ballot, runs_from=ahead[0], runs_until=ahead[1])
    plan = _sign(remediation, Stage.ROLLOUT, cast["approver"], ballot, prepared)
    return Signed(cast, opened, plan)


def sign_rollout(made: Signed) -> None:
    """The signature that `is_open` left out."""
    _sign(
        made.remediation,
        Stage.ROLLOUT,
        made.cast["approver"],
        Ballot(typed=made.ticket.key, authenticated_at=timezone.now()),
        [],
    )


def _sign(remediation: Remediation, stage: Stage, person: Person, ballot: Ballot, prepared: list[str]) -> Plan:
    plan = Plan.objects.filter(subject_id=remediation.pk, stage=stage, status=PlanStatus.OPEN).first()
    if plan is None:
        raise RuntimeError(f"no {stage} plan: {remediation.status_reason} {prepared}")
    at = ballot.authenticated_at or timezone.now()
    ballot = replace(ballot, sheet=review.shown(plan, at=at))
    reviews.sign(plan.pk, digest=plan.digest, stage=stage, person=person, ballot=ballot, door="page", at=at)
    return plan
