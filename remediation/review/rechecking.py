"""Goes through live plans when something changed, and by the clock: what is no longer true is voided. Probe cluster."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from portal.access.models import Person
from portal.jobs import services as jobs
from portal.kit.actors import system
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import client
from remediation.connectors.asking import Ask
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.review import drifting, looking, plans, proposing, standing, voiding
from remediation.review.changing import Change
from remediation.tickets import services as tickets
from remediation.tickets.models import Evidence, Ticket
from remediation.tickets.services import NewEvidence

REVIEW = system("review")
PAGE = 100
"""Plans per job; the next page is a job of its own, so that others get a turn."""


def recheck(*, after: int, at: datetime, ask: Ask = client.read) -> str:
    """The next page of live plans behind this id: content first, then a look at the targets."""
    page = list(_live().filter(pk__gt=after).order_by("pk")[:PAGE])
    void = sum(bool(_settle(plan, at) or drifting.settle(plan, actor=REVIEW, at=at, ask=ask)) for plan in page)
    if len(page) == PAGE:
        jobs.enqueue("review.recheck", payload={"after": page[-1].pk}, at=at)
    return f"{len(page)} plans, {void} of them void."


def reconsider(category_id: int, *, at: datetime) -> str:
    """The live plans of one category, against what would be planned today."""
    void = sum(bool(_settle(plan, at)) for plan in _live().filter(category=category_id).iterator())
    return f"{void} plans are void."


def weigh(ticket_id: int, *, at: datetime) -> str:
    """The live plan of one ticket, against what would be planned today."""
    remediation = remediations.newest(Ticket.objects.select_related("category").get(pk=ticket_id))
    found = voiding.settle(remediation.pk, actor=REVIEW, at=at) if remediation else []
    return voiding.reason_of(found) if found else "Nothing that anybody could sign has changed."


def look(remediation_id: int, *, person_id: int, at: datetime) -> str:
    """Ask the pre-flights of the live plan again and add what they show as evidence of the ticket."""
    remediation = Remediation.objects.select_related("ticket", "category").get(pk=remediation_id)
    plan = standing.plan_of(remediation)
    if plan is None or plan.status not in (PlanStatus.OPEN, PlanStatus.SIGNED):
        return "There is no plan to look at any more."
    steps = plans.read(plan.content).steps
    seen = looking.look(steps)
    new = [_evidence(remediation, step, each, at) for step, each in zip(looking.independent(steps), seen, strict=True)]
    person = Person.objects.get(pk=person_id)
    tickets.add_evidence(remediation.ticket_id, new=new, person=person, door="job", at=at)
    looking.keep(plan.merge_plan or plan, seen, at=at)
    return f"Looked at {len(seen)} targets."


def _evidence(remediation: Remediation, step: plans.OperationStep, seen: looking.Seen, at: datetime) -> NewEvidence:
    arguments = " ".join(f"{name}={value}" for name, value in step.preflight.arguments.items())
    return NewEvidence(
        kind=Evidence.Kind.COMMAND,
        command=f"{step.preflight.tool} {arguments}",
        text=seen.text,
        observed_at=at,
        environment=remediation.ticket.environment,
        refreshes=_newest_cited(remediation) if seen.holds else "",
    )


def _newest_cited(remediation: Remediation) -> str:
    """The ref of the newest evidence that the draft cites: what a look that finds all as expected confirms."""
    head = remediations.head(remediation)
    return proposing.newest_cited(remediation.ticket.evidence.all(), head) if head else ""


def _live() -> QuerySet[Plan]:
    """The plans that people look at: open ones, and signed ones that wait to be run."""
    waits = Q(status=PlanStatus.OPEN) | Q(status=PlanStatus.SIGNED, stage=Stage.ROLLOUT)
    return Plan.objects.select_related("merge_plan").filter(waits, subject_kind="drafting.remediation")


def _settle(plan: Plan, at: datetime) -> list[Change]:
    return voiding.settle(plan.subject_id, actor=REVIEW, at=at)
