"""Reads the record of a ticket: everything its postmortem is drafted from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from feedback.models import Feedback
from portal.audit import services as audit
from portal.audit.models import Event
from portal.kit.durations import span
from portal.kit.labels import label_of
from portal.signoff.models import Plan, Vote
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.execution.models import Run
from remediation.postmortem import evidence, faults
from remediation.postmortem.telling import Cause, Cited, Happened, Opinion, Piece, Record
from remediation.review import presenting
from remediation.review.models import Objection
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket

MOST_EVENTS = 500
QUIET = frozenset({
    "step.moved", "decision.made", "plan.opened", "plan.completed", "plan.refused", "run.taken", "run.wave_opened",
    "run.watched", "review.ticked", "bundle.asked", "bundle.taken", "pattern.found", "feedback.given",
    "feedback.changed", "postmortem.drafted", "postmortem.edited",
})  # fmt: skip
"""Events that the timeline leaves out: they are told elsewhere, come by the hundred, or are about the postmortem."""
ANSWERS = {
    "feedback_type": "All in all",
    "was_helpful": "It helped",
    "resolution_accurate": "The resolution was right",
    "actions_worked": "The actions worked",
    "comment": "Comment",
    "what_worked": "What worked",
    "what_didnt_work": "What did not work",
    "actual_resolution": "What really resolved it",
    "suggestions": "Suggestions",
}
WORDS: Mapping[object, str] = {True: "yes", False: "no"}


def of(ticket: Ticket) -> Record:
    """The record as it stands."""
    remediation = remediations.newest(ticket)
    heads = _heads(ticket, remediation)
    opinions = list(Feedback.objects.filter(ticket=ticket).select_related("person").order_by("id"))
    runs = list(Run.objects.filter(remediation__ticket=ticket).select_related("plan").order_by("id"))
    return Record(
        title=f"Postmortem of {ticket.key}: {ticket.title}",
        facts=_facts(ticket),
        cause=_cause(heads[-1]) if heads else None,
        timeline=_timeline(ticket),
        evidence=[
            Piece(each.ref, each.get_kind_display(), each.observed_at, each.command, each.text)
            for each in tickets.evidence_of(ticket)
        ],
        wrong=list(faults.of(ticket, heads, runs, opinions)),
        decisions=sorted(_decisions(ticket), key=lambda each: each.at),
        proof=list(evidence.proofs(ticket, runs)),
        differences=list(faults.differences(heads)),
        opinions=[_opinion(each) for each in opinions],
        actions=list(evidence.actions(ticket, opinions)),
    )


def _heads(ticket: Ticket, remediation: Remediation | None) -> list[Revision]:
    """The revisions of the newest remediation, in order, else those of the last one that has any."""
    rows = list(
        Revision.objects.filter(remediation__ticket=ticket)
        .select_related("author", "remediation")
        .order_by("remediation__number", "number")
    )
    own = [each for each in rows if remediation and each.remediation_id == remediation.pk]
    return own or [each for each in rows if each.remediation_id == rows[-1].remediation_id]


def _facts(ticket: Ticket) -> list[tuple[str, str]]:
    """What stands at the top of every postmortem."""
    lasted = ticket.finished_at - ticket.opened_at if ticket.finished_at else None
    facts = [
        ("Severity", ticket.get_severity_display()),
        ("Category", ticket.category.name),
        ("Service", str(ticket.service) if ticket.service else ""),
        ("Environment", ticket.get_environment_display()),
        ("Systems", ", ".join(ticket.affected_systems)),
        ("Opened", f"{ticket.opened_at:%Y-%m-%d %H:%M} UTC by {ticket.opened_by}"),
        ("Over", f"{ticket.finished_at:%Y-%m-%d %H:%M} UTC" if ticket.finished_at else ""),
        ("It took", span(lasted.total_seconds()) if lasted else ""),
        ("Ticket", label_of("status", ticket.status).text),
        ("Pattern", ticket.pattern.title if ticket.pattern else ""),
        ("Resolution", ticket.resolution),
    ]
    return [(term, value) for term, value in facts if value]


def _cause(head: Revision) -> Cause:
    draft = schema.from_text(head.content)
    return Cause(
        summary=draft.summary,
        hypothesis=draft.hypothesis,
        facts=[Cited(fact.text, fact.evidence) for fact in draft.facts],
        guesses=draft.guesses,
        root_cause=draft.role.root_cause if draft.role else "",
        symptom=draft.role.symptom if draft.role else "",
    )


def _timeline(ticket: Ticket) -> list[Happened]:
    """What was observed and what happened here, in the order of its time."""
    events = list(Event.objects.filter(ticket_id=ticket.pk).exclude(kind__in=QUIET).order_by("id")[: MOST_EVENTS + 1])
    lines = presenting.timeline_of(events[:MOST_EVENTS])
    told = [Happened(line["at"], line["actor"], line["text"], line["detail"].replace("\n", "; ")) for line in lines]
    if len(events) > MOST_EVENTS:
        told.append(Happened(events[-1].at, "The trail", f"goes on: these are the first {MOST_EVENTS} events"))
    seen = [
        Happened(each.observed_at, each.ref, f"was observed: {each.get_kind_display().lower()}", _first_line(each.text))
        for each in tickets.evidence_of(ticket)
    ]
    return sorted([*told, *seen], key=lambda each: each.at)


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")[:200]


def _decisions(ticket: Ticket) -> Iterator[Happened]:
    """Who signed what, who objected, who confirmed what: with times and words."""
    own = {"remediation__ticket": ticket}
    plans = Plan.objects.filter(ticket_id=ticket.pk)
    for vote in Vote.objects.filter(plan__in=plans).select_related("plan", "person", "principal"):
        stead = f" for {vote.principal}" if vote.principal_id != vote.person_id else ""
        what = f"signed the {vote.plan.stage} plan {vote.digest[:12]}{stead}"
        yield Happened(vote.at, str(vote.person), what, vote.comment)
    for objection in Objection.objects.filter(**own).select_related("person"):
        yield Happened(objection.at, str(objection.person), objection.get_kind_display().lower(), objection.comment)
    for tick in Event.objects.filter(ticket_id=ticket.pk, kind="review.ticked").order_by("id")[:MOST_EVENTS]:
        said = audit.body_of(tick)
        what = (
            "confirmed a REVIEW item" if said.get("confirmed", True) else "took the confirmation of a REVIEW item back"
        )
        yield Happened(tick.at, tick.actor_name, what, str(said.get("place", "")))
    for void in Event.objects.filter(ticket_id=ticket.pk, kind__in=["plan.voided", "plan.withdrawn"]):
        yield Happened(void.at, void.actor_name, void.kind.replace("plan.", "") + " a plan", _reason(void))


def _reason(event: Event) -> str:
    return str(audit.body_of(event).get("reason", ""))


def _opinion(row: Feedback) -> Opinion:
    given = [(words, getattr(row, name)) for name, words in ANSWERS.items()]
    answers = [(words, WORDS.get(value, str(value))) for words, value in given if value not in (None, "")]
    done = [("What was really done", "; ".join(row.actual_actions_taken))] if row.actual_actions_taken else []
    return Opinion(str(row.person), row.updated_at, row.rating, [*answers, *done])
