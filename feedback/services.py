"""Takes an engineer's answer about a ticket, and teaches the patterns from answers and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from django.db import transaction

from feedback.models import Feedback
from patterns import services as patterns
from patterns import trust
from patterns.reads import Pending
from patterns.reliability import FeedbackFacts, is_negative
from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import StaleTransition, because
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.origin import action_of, operations_of
from remediation.execution import doubting
from remediation.execution.models import Run
from remediation.execution.states import RunStatus
from remediation.policy import certified
from remediation.policy import services as policies
from remediation.policy.models import Moment
from remediation.review import plans, proposing
from remediation.review.plans import Content
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says; the door has checked types and ranges."""

    feedback_type: str
    rating: int
    was_helpful: bool | None = None
    resolution_accurate: bool | None = None
    actions_worked: bool | None = None
    comment: str = ""
    what_worked: str = ""
    what_didnt_work: str = ""
    suggestions: str = ""
    actual_resolution: str = ""
    actual_actions_taken: Sequence[str] = ()
    time_to_resolve: int | None = None


def give(*, person: Person, ticket_id: int, answer: Answer, door: Door, at: datetime) -> tuple[Feedback, bool]:
    """Record or change a person's answer; the second value says whether it is new."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).select_related("category").get(pk=ticket_id)
        tickets.require_part(person, ticket.category)
        if ticket.status == TicketStatus.PROCESSING:
            text = f"{ticket.key} is still being worked on. Give feedback once there is an answer to judge."
            raise StaleTransition(because("nothing_to_judge", text, "ticket_id"))
        given = Feedback.objects.filter(ticket=ticket, person=person).first()
        before = _said(given) if given else None
        values = asdict(answer) | {"actual_actions_taken": list(answer.actual_actions_taken), "updated_at": at}
        row, is_new = Feedback.objects.update_or_create(
            ticket=ticket, person=person, defaults=values, create_defaults={**values, "created_at": at}
        )
        subject = Ref("feedback.feedback", row.pk, f"feedback of {person.username} on {ticket.key}")
        kind = "feedback.given" if is_new else "feedback.changed"
        data = {"before": before, "after": _said(row)}
        audit.record(kind, actor=person.at(door), at=at, subject=subject, ticket=ticket.ref, data=data)
        if is_negative(_facts(row)):
            _doubt(ticket, person, person.at(door), at)
        jobs.publish("feedback.given", subject_id=row.pk, at=at)
    return row, is_new


def learn_feedback(feedback_id: int) -> str:
    """Count an answer: the ticket's reliability after it, then the pattern's standing."""
    row = Feedback.objects.select_related("ticket__pattern", "ticket__category").get(pk=feedback_id)
    ticket, at = row.ticket, row.updated_at
    if ticket.pattern is None:
        return "The ticket has no pattern."
    if row.lessons.filter(answered_at=at).exists():
        return "This answer was learned before."
    with transaction.atomic():
        remediation = remediations.newest(ticket)
        assessment = (
            policies.assess(remediation, moment=Moment.FEEDBACK, at=at, pending=_pending(row)) if remediation else None
        )
        before, after = patterns.observe_feedback(
            pattern_id=ticket.pattern.pk,
            answer=patterns.Answer(
                ticket=ticket.ref,
                person_id=row.person_id,
                feedback_type=row.feedback_type,
                rating=row.rating,
                resolution_accurate=row.resolution_accurate,
                actions_worked=row.actions_worked,
            ),
            reliability_permille=assessment.overall_permille if assessment else None,
            at=at,
        )
        row.lessons.create(answered_at=at, pattern=ticket.pattern, before=asdict(before), after=asdict(after))
    return f"Learned from {row.person_id} about {ticket.key}."


def learn_run(run_id: int, *, at: datetime) -> str:
    """Count a finished run for its pattern, and assess the remediation again."""
    rows = Run.objects.select_related("plan", "remediation__ticket__pattern", "remediation__category")
    run = rows.get(pk=run_id)
    ticket = run.remediation.ticket
    if ticket.pattern is None:
        return "The ticket has no pattern."
    if run.status != RunStatus.SUCCEEDED and not run.remediation.has_written:
        return "The run changed nothing, so it says nothing about the fix."
    content = plans.read(run.plan.content)
    action, environment = doubting.fix_of(content)
    with transaction.atomic():
        is_new = patterns.observe_run(
            pattern_id=ticket.pattern.pk,
            ticket=ticket.ref,
            run_id=run.pk,
            succeeded=run.status == RunStatus.SUCCEEDED,
            action=action,
            environment=environment,
            at=run.finished_at or at,
            fingerprint=_fingerprint(run, content),
        )
        if is_new:
            policies.assess(run.remediation, moment=Moment.OUTCOME, at=at)
    return f"Learned from run {run.pk}."


def _fingerprint(run: Run, content: Content) -> str:
    """That of what wrote the text that workers ran; none for the text of a person, or for a run in their hands."""
    if run.mode != Run.Mode.WORKERS:
        return ""
    revision = run.remediation.revisions.get(number=content.revision)
    wrote = certified.origin_of(revision)
    return wrote.digest if wrote else ""


def _doubt(ticket: Ticket, who: Person, actor: Actor, at: datetime) -> None:
    """A person says that it did not help: no certificate for what was drafted there outlives that."""
    if ticket.pattern_id is None:
        return
    heads = filter(None, (remediations.head(each) for each in ticket.remediations.all()))
    for draft in (schema.from_text(each.content) for each in heads):
        for environment in sorted({place.environment for place in proposing.places_of(draft).values()}):
            trust.distrust(
                pattern_id=ticket.pattern_id,
                action=action_of(operations_of(draft)),
                environment=environment,
                reason=f"{who.username} says that the fix of {ticket.key} did not help.",
                actor=actor,
                at=at,
            )


def _pending(row: Feedback) -> Pending:
    return Pending(row.ticket_id, row.person_id, _facts(row))


def _facts(row: Feedback) -> FeedbackFacts:
    return FeedbackFacts(
        feedback_type=row.feedback_type,  # type: ignore[arg-type]  # one of the choices
        rating=row.rating,
        at=row.updated_at,
        resolution_accurate=row.resolution_accurate,
        actions_worked=row.actions_worked,
    )


def _said(row: Feedback) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(Answer)}
