"""The decision bar: what blocks, what a signature takes, and the buttons, each with its consequence on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.access.models import Person
from portal.kit.refusals import Reason, Refusal
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage, is_critical
from remediation.review import plans, standing
from remediation.review.models import Objection
from remediation.review.presenting import consequence
from remediation.review.standing import Standing

ANCHORS = {
    "checklist": "#checklist",
    "gate": "#gates",
    "changes_requested": "#objections",
    "no_plan": "#gates",
    "stale_evidence": "#work",
    "contradicted": "#work",
    "drift": "#work",
}


def bar_of(
    stands: Standing,
    person: Person,
    *,
    address: str,
    at: datetime,
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
) -> dict[str, Any]:
    """What the bar shows to this person; `typed` is what they typed before a refusal or a detour, kept for them."""
    plan = stands.plan
    bar: dict[str, Any] = {
        "typed": typed,
        "refusal": refusal,
        "digest": plan.digest if plan else "",
        "stage": plan.stage if plan else "",
        "may_sign": False,
        "reasons": Objection.Reason.choices,
    }
    if plan and plan.status != PlanStatus.OPEN:
        title = f"The {plan.stage} plan is {plan.status}."
        return bar | {"title": title, "note": "Nothing waits for a signature.", "blockers": []}
    mine = standing.why_not(plan, person) if plan else []
    lenders = _lenders(plan, person, at) if plan else []
    reasons = [*stands.blockers, *([] if lenders else mine)]
    bar |= _title(stands, reasons) | {"action": address, "buttons": _buttons(plan)}
    bar["may_sign"] = plan is not None and (not mine or bool(lenders))
    bar["lenders"], bar["for_self"] = lenders, not mine
    bar["confirm"] = plan.ticket_key if plan and is_critical(plan.risk) else ""
    bar["may_wait"] = plan is not None and plan.stage == Stage.ROLLOUT
    return bar


def _title(stands: Standing, reasons: Sequence[Reason]) -> dict[str, Any]:
    count = len(reasons)
    plan = stands.plan
    return {
        "title": f"Blocked by {count} thing{'s' if count > 1 else ''}" if reasons else "Ready to sign",
        "note": f"Plan {plan.digest[:12]} waits for {', '.join(stands.missing)}." if plan else "",
        "blockers": [{"text": each.text, "href": ANCHORS.get(each.code, "#decision")} for each in reasons],
    }


def _lenders(plan: Plan, person: Person, at: datetime) -> list[tuple[int, str]]:
    """The delegations under which this person could sign for somebody whose signature would count."""
    received = signoffs.received(plan, person, at=at)
    return [(each.pk, str(each.from_person)) for each in received if not signoffs.lacking(plan, each.from_person)]


def _buttons(plan: Plan | None) -> list[dict[str, str]]:
    buttons = [
        {"name": "verdict", "value": "reject", "label": "Reject", "tone": "refuse"},
        {"name": "verdict", "value": "changes", "label": "Request changes", "tone": ""},
    ]
    if plan is not None:
        buttons.append({"name": "verdict", "value": "sign", "label": _label(plan), "tone": "approve"})
    return buttons


def _label(plan: Plan) -> str:
    if plan.stage == Stage.MERGE:
        return "Sign merge: runs nothing yet"
    content = plans.read(plan.content)
    return f"Sign rollout: {'people run it' if content.is_for_people else f'runs {consequence(content)}'}"
