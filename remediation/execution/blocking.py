"""What stands between a signed plan and its run, each with the way to whoever can do something about it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate.models import TargetLock
from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from remediation.drafting import services as remediations
from remediation.execution.shift import scopes_of
from remediation.policy import braking
from remediation.policy.models import FailureBrake
from remediation.review import plans, standing
from remediation.review.plans import Content
from remediation.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing in the way; `path` leads to it, `link` says where that is."""

    text: str
    path: str = ""
    link: str = ""


def of(plan: Plan, content: Content, ticket: Ticket) -> list[Blocker]:
    """What stands in the way now, and what the workers met when they last tried."""
    targets = {step.target for step in content.steps}
    locks = TargetLock.objects.filter(target__identity__in=targets, released_at=None).select_related("target")
    found = [Blocker(lock.says, lock.path, f"To {lock.ticket_key}") for lock in locks]
    if stop := brakes.stopped(scopes_of(content)):
        found.append(Blocker(stop.says))
    engaged = braking.engaged(targets=targets, pattern_id=ticket.pattern_id)
    found += [Blocker(brake.says, reverse("brakes"), "Release the brake") for brake in engaged]
    texts = " ".join(each.text for each in found)
    return [*found, *(Blocker(reason) for reason in _met(plan) if reason.removeprefix("No: ") not in texts)]


def engaged_for(ticket: Ticket) -> list[FailureBrake]:
    """The brakes that keep workers from what a ticket's plan touches, or from its pattern.

    Mostly none is engaged anywhere, and then no plan is read for it.
    """
    if not braking.any_engaged():
        return []
    remediation = remediations.newest(ticket)
    plan = standing.plan_of(remediation) if remediation else None
    targets = {step.target for step in plans.read(plan.content).steps} if plan else set()
    return braking.engaged(targets=targets, pattern_id=ticket.pattern_id)


def _met(plan: Plan) -> list[str]:
    """The reasons the workers kept when they were last held up."""
    subject = signoffs.ref(plan)
    held = Event.objects.filter(subject_kind=subject.kind, subject_id=subject.id, kind="run.held").order_by("id").last()
    return list(audit.body_of(held).get("reasons", [])) if held else []
