"""Drafts one ticket: place it in its pattern, gather, ask a drafter, keep every exchange, move the remediation.

The drafter is asked outside any transaction (law 7). Whoever changed the remediation meanwhile was first: the exchanges
are kept, the answer is not used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from patterns import services as patterns
from portal.kit.actors import system
from remediation.drafting import context, services
from remediation.drafting.models import Attempt, Drafter, Remediation
from remediation.drafting.origin import Origin, operations_of
from remediation.drafting.protocol import Answer, Drafted, Exchange, Failed, NeedsPerson
from remediation.drafting.protocol import Drafter as DrafterProtocol
from remediation.drafting.runbook_drafter import RunbookDrafter
from remediation.drafting.states import Status
from remediation.knowledge import services as knowledge
from remediation.tickets.models import Ticket

Clock = Callable[[], datetime]
DRAFTING = system("drafting")
SAME = 100  # percent


@dataclass(frozen=True, slots=True)
class Round:
    """One round of drafting: the revision it starts from tells later whether somebody was faster."""

    remediation_id: int
    began_at: datetime
    base_id: int | None


def configured_drafter(clock: Clock) -> DrafterProtocol:
    """Claude if this process holds a key, else the runbook drafter."""
    if not settings.ANTHROPIC_API_KEY:
        return RunbookDrafter(clock)
    from remediation.drafting.claude import ClaudeDrafter, ClaudeSettings  # noqa: PLC0415 - not needed without a key

    chosen = ClaudeSettings(
        api_key=settings.ANTHROPIC_API_KEY,
        model=settings.ANTHROPIC_MODEL,
        base_url=settings.ANTHROPIC_BASE_URL,
        budget_cents=settings.ANTHROPIC_BUDGET_PER_TICKET_USD_CENTS,
    )
    return ClaudeDrafter(chosen, clock, _own_secrets())


def _own_secrets() -> list[str]:
    """What this process holds and no model may read, should a ticket quote it."""
    return [settings.ANTHROPIC_API_KEY, settings.SECRET_KEY, str(settings.DATABASES["default"]["PASSWORD"])]


def draft_ticket(ticket_id: int, *, drafter: DrafterProtocol, clock: Clock) -> str:
    """Begin the ticket's remediation and draft it; says in a sentence how it ended."""
    remediation = services.begin(ticket_id, actor=DRAFTING, at=clock())
    return draft_again(remediation.pk, drafter=drafter, clock=clock)


def draft_again(remediation_id: int, *, drafter: DrafterProtocol, clock: Clock) -> str:
    """Draft a remediation that is in `drafting`; a second delivery of the same job finds nothing to do."""
    remediation = Remediation.objects.select_related("ticket__category", "ticket__service").get(pk=remediation_id)
    started = Round(remediation_id, remediation.status_at, _head_id(remediation))
    if not _is_open(remediation, started):
        return "Nothing to draft."
    placed = _place(remediation.ticket, at=clock())
    similarity = SAME if placed.similarity is None else placed.similarity
    request = context.request_of(remediation.ticket, placed.pattern, similarity_percent=similarity)
    answer = drafter.draft(request)
    _keep(remediation, drafter, answer, at=clock())
    return _use(started, Drafter(drafter.name), answer, at=clock())


def _place(ticket: Ticket, *, at: datetime) -> patterns.Placed:
    """The ticket's pattern, remembered on the ticket the first time."""
    placed = patterns.place(
        patterns.Wording(ticket.ref, ticket.category, ticket.title, ticket.description, ticket.environment), at=at
    )
    new = {"pattern": placed.pattern, "pattern_similarity": placed.similarity}
    Ticket.objects.filter(pk=ticket.pk, pattern=None).update(**new)
    return placed


def _keep(remediation: Remediation, drafter: DrafterProtocol, answer: Answer, *, at: datetime) -> None:
    """Every exchange is a row; a failure before the first exchange is one, too."""
    rows = [_attempt(remediation, drafter, exchange) for exchange in answer.exchanges]
    if isinstance(answer, Failed) and not rows:
        rows = [
            Attempt(
                remediation=remediation,
                drafter=drafter.name,
                outcome=answer.kind,
                detail=answer.message,
                started_at=at,
                ended_at=at,
            )
        ]
    Attempt.objects.bulk_create(rows)


def _attempt(remediation: Remediation, drafter: DrafterProtocol, exchange: Exchange) -> Attempt:
    return Attempt(
        remediation=remediation,
        drafter=drafter.name,
        outcome=exchange.outcome,
        detail=_storable(exchange.detail),
        prompt=_storable(exchange.prompt),
        prompt_version=exchange.prompt_version,
        answer=_storable(exchange.answer),
        model=exchange.model,
        stop_reason=exchange.stop_reason,
        request_id=exchange.request_id,
        input_tokens=exchange.tokens_in,
        output_tokens=exchange.tokens_out,
        cache_read_tokens=exchange.tokens_cache_read,
        cache_write_tokens=exchange.tokens_cache_write,
        price_microdollars=exchange.price_micro_usd,
        redactions=[{"rule": rule, "count": count} for rule, count in exchange.redactions],
        started_at=exchange.started_at,
        ended_at=exchange.ended_at,
    )


def _use(started: Round, drafter: Drafter, answer: Answer, *, at: datetime) -> str:
    with transaction.atomic():
        remediation = services.locked(started.remediation_id)
        if not _is_open(remediation, started):
            return "Somebody was faster; the answer is kept and not used."
        if isinstance(answer, Drafted):
            base = services.head(remediation)
            services.add_revision(
                remediation,
                draft=answer.draft,
                drafter=drafter,
                author=None,
                base=base,
                actor=DRAFTING,
                at=at,
                origin=_origin(drafter, answer),
            )
            return f"Drafted by {drafter.label}: {len(answer.draft.steps)} steps."
        if isinstance(answer, NeedsPerson):
            reason = "\n".join(each.text for each in answer.reasons)
            services.move(remediation, Status.NEEDS_PERSON, actor=DRAFTING, at=at, reason=reason)
            return "A person is needed."
        reason = f"{Attempt.Outcome(answer.kind).label}: {answer.message}"
        services.move(remediation, Status.FAILED, actor=DRAFTING, at=at, reason=reason)
        return f"Failed: {answer.message}"


def _origin(drafter: Drafter, answer: Drafted) -> Origin | None:
    """What wrote the answer; nothing is known of one that came without its exchange."""
    if not answer.exchanges:
        return None
    last = answer.exchanges[-1]
    playbooks = knowledge.naming(operations_of(answer.draft), knowledge.shelf())
    return Origin(drafter.value, last.model, last.prompt_version, playbooks)


def _is_open(remediation: Remediation, started: Round) -> bool:
    """Whether the remediation still waits for this round's answer: in drafting since then, with no newer revision."""
    if remediation.status != Status.DRAFTING or remediation.status_at != started.began_at:
        return False
    newest = services.head(remediation)
    return newest is None or (newest.pk == started.base_id and newest.created_at < started.began_at)


def _head_id(remediation: Remediation) -> int | None:
    head = services.head(remediation)
    return head.pk if head else None


def _storable(text: str) -> str:
    """PostgreSQL cannot store NUL; whatever came over the wire must not lose its record for that."""
    return text.replace("\x00", "\\x00")
