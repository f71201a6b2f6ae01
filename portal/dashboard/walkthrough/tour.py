"""The walk itself: every step happens through the API as one of the demonstration people, and is told as it happens.

A step that does not happen ends the walk with DidNotHappen: what a newcomer sees here is what the product did.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.dashboard.walkthrough import incidents
from portal.dashboard.walkthrough.site import Api, Refusal
from portal.kit.plurals import counted

Say = Callable[[str], None]
PATIENCE_SECONDS = 60.0


class DidNotHappen(Exception):
    """A step of the walk did not happen; the message says which and what was seen instead."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: an engineer, a reviewer, three approvers."""

    engineer: Api
    reviewer: Api
    merge_approver: Api
    rollout_approver: Api
    second_approver: Api


def walk(cast: Cast, *, suffix: str, at: datetime, say: Say) -> None:
    """Resolve the first incident against the lab; leave the second in the queue with its guarded steps."""
    say("1  Payments pods unhealthy, secondary pool under-scaled")
    resolve(cast, incidents.payments(f"INC-{suffix}-PAY", at), say)
    say("2  Disk full on log shippers")
    leave_waiting(cast, incidents.log_shippers(f"INC-{suffix}-LOG", at), say)


def resolve(cast: Cast, incident: dict[str, Any], say: Say) -> None:
    """From the ticket to feedback and pattern."""
    key = open_ticket(cast, incident, say)
    ticket = until(cast.engineer, key, "awaiting_review")
    tell_draft(ticket, say)
    edit(cast, ticket, say)
    sign(cast.merge_approver, key, "merge", say)
    sign(cast.rollout_approver, key, "rollout", say)
    ticket = until(cast.engineer, key, "resolved")
    tell_run(cast.engineer, key, say)
    give_feedback(cast, ticket, say)


def leave_waiting(cast: Cast, incident: dict[str, Any], say: Say) -> None:
    """Draft the second incident and leave the decision to the newcomer."""
    key = open_ticket(cast, incident, say)
    ticket = until(cast.engineer, key, "awaiting_review")
    tell_draft(ticket, say)
    say(f"   waiting   {key} is in the queue with {len(ticket['revision']['draft']['steps'])} guarded steps, for you")


def open_ticket(cast: Cast, incident: dict[str, Any], say: Say) -> str:
    """POST /tickets."""
    accepted = cast.engineer.post("/tickets", incident)
    say(f"   opened    {accepted['ticket_id']} ({accepted['status']}) with {_pieces(incident)} pieces of evidence")
    return str(accepted["ticket_id"])


def until(api: Api, key: str, *wanted: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
    """The ticket once it has one of the statuses; fails when it ends up elsewhere."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        ticket = api.get(f"/tickets/{key}")
        if ticket["status"] in wanted:
            return ticket
        if ticket["status"] in {"failed", "needs_person", "rejected", "partially_remediated"}:
            raise DidNotHappen(
                f"{key} is {ticket['status']} instead of {' or '.join(wanted)}: {ticket['status_reason']}"
            )
        time.sleep(0.1)
    raise DidNotHappen(f"{key} is still {ticket['status']} after {seconds:.0f} s instead of {' or '.join(wanted)}.")


def tell_draft(ticket: dict[str, Any], say: Say) -> None:
    """Who drafted what, what the gates and the policy say."""
    draft, decision = ticket["revision"]["draft"], ticket["remediation_decision"]
    say(f"   drafted   by the {ticket['drafter']} drafter, confidence {ticket['confidence_score']:.2f}")
    say(f"             hypothesis: {draft['hypothesis']}")
    for number, step in enumerate(draft["steps"], start=1):
        say(f"             step {number}: {step['title']}")
    say(f"   gates     passed; the plan of the {ticket['plan']['stage']} stage is {ticket['plan']['digest'][:12]}")
    word = "may go ahead alone" if decision["allowed"] and not decision["requires_approval"] else "asks people"
    say(f"   decision  risk {decision['risk_level']}, reliability {ticket['reliability_score']}: the machine {word}")
    for line in decision["reasoning"]:
        if line["outcome"] in {"warn", "fail"}:
            say(f"             {line['question']} {line['answer']}")


def edit(cast: Cast, ticket: dict[str, Any], say: Say) -> None:
    """The reviewer narrows the scope; the edit is a revision of its own and makes the reviewer a maker."""
    key, revision = ticket["ticket_id"], ticket["revision"]
    draft = revision["draft"]
    draft["scope"]["out_of_scope"].append("The primary pool: it recovers by itself once the secondary carries load.")
    saved = cast.reviewer.post(f"/tickets/{key}/revisions", {"base_digest": revision["digest"], "draft": draft})
    say(f"   edited    by {saved['author']}: revision {saved['number']}, the scope names what is left alone")
    for item in until_planned(cast.reviewer, key, saved["digest"])["checklist"]:
        cast.reviewer.post(f"/tickets/{key}/ticks", {"item": item["item"]})
        say(f"   checked   step {item['step']}: {item['text']}")


def until_planned(api: Api, key: str, digest: str, *, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
    """The ticket once a plan of its newest revision is open."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        ticket = api.get(f"/tickets/{key}")
        if ticket["plan"] and ticket["revision"]["digest"] == digest:
            return ticket
        time.sleep(0.1)
    raise DidNotHappen(f"{key} has no plan for its newest revision after {seconds:.0f} s.")


def sign(api: Api, key: str, stage: str, say: Say) -> None:
    """Read the plan, sign exactly that."""
    ballot = ballot_of(api, key, stage)
    answer = api.post(f"/tickets/{key}/approve-remediation", ballot)
    still = "; ".join(answer["missing"]) or "nothing"
    say(f"   signed    {stage} by {api.name}, digest {ballot['digest'][:12]}; still missing: {still}")


def ballot_of(api: Api, key: str, stage: str) -> dict[str, Any]:
    """What signs the plan as this person is shown it; a critical one asks for its ticket's id once more."""
    plan = api.get(f"/tickets/{key}")["plan"]
    if plan is None or plan["stage"] != stage:
        raise DidNotHappen(f"{key} has no plan to sign for the {stage} stage: {plan}")
    shown = {"digest": plan["digest"], "sheet": plan["sheet"] or ""}
    return {
        "ticket_id": key,
        "approve": True,
        "comment": "",
        "stage": stage,
        "confirm_ticket_id": key,
        **shown,
    }


def tell_run(api: Api, key: str, say: Say) -> None:
    """What the workers did, from the log."""
    logs = api.get(f"/tickets/{key}/remediation-logs")["items"]
    for line in logs:
        say(f"   {line['phase']:<9} {line['outcome']}: {line['what']}")
    phases = {line["phase"] for line in logs}
    if missing := {"preflight", "action", "verify"} - phases:
        raise DidNotHappen(f"The log of {key} lacks {', '.join(sorted(missing))}.")


def give_feedback(cast: Cast, ticket: dict[str, Any], say: Say) -> None:
    """The engineer's stars, and what they change."""
    key, engineer = ticket["ticket_id"], cast.engineer
    before = _reliability(engineer, key)
    known = pattern_of(engineer, ticket)["feedback_count"]
    answer = {
        "ticket_id": key,
        "feedback_type": "positive",
        "rating": 5,
        "was_helpful": True,
        "resolution_accurate": True,
        "actions_worked": True,
        "what_worked": "The secondary pool carried the load at once.",
        "time_to_resolve": 9,
    }
    engineer.post("/feedback", answer)
    say("   feedback  5 stars: accurate, the actions worked")
    pattern = _learned(engineer, ticket, known)
    say(f"   learned   reliability {before} -> {_reliability(engineer, key)}")
    say(f"   pattern   “{pattern['title']}”: {_standing(pattern)}")


def pattern_of(api: Api, ticket: dict[str, Any]) -> dict[str, Any]:
    """The ticket's pattern with its standing."""
    category = ticket["category"]
    for pattern in api.get(f"/patterns?category={category}&min_occurrences=1")["items"]:
        if pattern["title"] == ticket["pattern"]:
            return dict(pattern)
    raise DidNotHappen(f"{ticket['ticket_id']} has no pattern in the category {category}.")


def _learned(api: Api, ticket: dict[str, Any], known: int) -> dict[str, Any]:
    """The pattern once it counts one answer more."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        pattern = pattern_of(api, ticket)
        if pattern["feedback_count"] > known:
            return pattern
        time.sleep(0.1)
    raise DidNotHappen(f"The pattern of {ticket['ticket_id']} did not learn from the feedback.")


def _reliability(api: Api, key: str) -> float | None:
    score: float | None = api.get(f"/tickets/{key}")["reliability_score"]
    return score


def _standing(pattern: dict[str, Any]) -> str:
    success = "no run yet" if pattern["success_rate"] is None else f"{pattern['success_rate']:.0%} succeeded"
    seen, executed = counted(pattern["occurrences"], "time"), counted(pattern["executed_count"], "time")
    eligible = "eligible" if pattern["is_eligible"] else f"not eligible yet: {' '.join(pattern['reasons'])}"
    return f"seen {seen}, executed {executed}, {success}; {eligible}"


def _pieces(incident: dict[str, Any]) -> int:
    return len(incident.get("evidence", [])) + len(incident.get("timeline", []))


__all__ = ["Cast", "DidNotHappen", "Refusal", "walk"]
