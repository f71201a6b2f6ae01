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
from portal.kit import statements
from portal.kit.actors import system
from remediation.drafting import context, services
from remediation.drafting.models import Attempt, Drafter, Remediation, Revision
from remediation.drafting.origin import Origin, operations_of
from remediation.drafting.protocol import Answer, Drafted, Exchange, Failed, NeedsPerson, Spend
from remediation.drafting.protocol import Drafter as DrafterProtocol
from remediation.drafting.runbook_drafter import RunbookDrafter
from remediation.drafting.states import Status
from remediation.knowledge import services as knowledge
from remediation.knowledge.services import Book
from remediation.tickets.models import Ticket

Clock = Callable[[], datetime]
DRAFTING = system("drafting")
SAME = 100  # percent


@dataclass(frozen=True, slots=True)
class Round:
    """One round of drafting: the revision it starts from tells later whether somebody was faster."""

    remediation: Remediation
    base: Revision | None
    drafter: DrafterProtocol
    books: list[Book]


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
    at = clock()
    with transaction.atomic():
        remediation = services.begin(ticket_id, actor=DRAFTING, at=at)
        begun_now = remediation.created_at == at
        if begun_now:
            _place(remediation.ticket, at=at)
    return _draft(remediation, None if begun_now else services.head(remediation), drafter, clock)


def draft_again(remediation_id: int, *, drafter: DrafterProtocol, clock: Clock) -> str:
    """Draft a remediation that is in `drafting`; a second delivery of the same job finds nothing to do."""
    rows = Remediation.objects.select_related("ticket__category", "ticket__service", "ticket__pattern")
    remediation = rows.get(pk=remediation_id)
    return _draft(remediation, services.head(remediation), drafter, clock)


def _draft(remediation: Remediation, base: Revision | None, drafter: DrafterProtocol, clock: Clock) -> str:
    if not _is_open(remediation, base):
        return "Nothing to draft."
    started = Round(remediation, base, drafter, knowledge.shelf())
    placed = _place(remediation.ticket, at=clock())
    similarity = SAME if placed.similarity is None else placed.similarity
    request = context.request_of(
        remediation,
        placed.pattern,
        similarity_percent=similarity,
        procedures=tuple(book.procedure for book in started.books),
        spent=context.spend_of(remediation.ticket) if drafter.is_paid else Spend(),
    )
    answer = drafter.draft(request)
    _keep(started, answer, at=clock())
    return _use(started, answer, at=clock())


def _place(ticket: Ticket, *, at: datetime) -> patterns.Placed:
    """The ticket's pattern, remembered on the ticket the first time."""
    if ticket.pattern:
        return patterns.Placed(ticket.pattern, ticket.pattern_similarity)
    wording = patterns.Wording(ticket.ref, ticket.category, ticket.title, ticket.description, ticket.environment)
    with transaction.atomic(savepoint=False):
        placed = patterns.place(wording, at=at)
        new = {"pattern": placed.pattern, "pattern_similarity": placed.similarity}
        statements.update(Ticket, {"pk": ticket.pk, "pattern": None}, **new)
    ticket.pattern, ticket.pattern_similarity = placed.pattern, placed.similarity
    return placed


def _keep(started: Round, answer: Answer, *, at: datetime) -> None:
    """Every exchange is a row; a failure before the first exchange is one, too."""
    rows = [_attempt(started, exchange) for exchange in answer.exchanges]
    if isinstance(answer, Failed) and not rows:
        rows = [
            Attempt(
                remediation=started.remediation,
                drafter=started.drafter.name,
                outcome=answer.kind,
                detail=answer.message,
                started_at=at,
                ended_at=at,
            )
        ]
    statements.insert_all(rows)


def _attempt(started: Round, exchange: Exchange) -> Attempt:
    return Attempt(
        remediation=started.remediation,
        drafter=started.drafter.name,
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


def _use(started: Round, answer: Answer, *, at: datetime) -> str:
    with transaction.atomic():
        remediation = services.locked(started.remediation.pk)
        base = services.head(remediation)
        if not _is_same(started, remediation, base):
            return "Somebody was faster; the answer is kept and not used."
        if isinstance(answer, Drafted):
            drafter = Drafter(started.drafter.name)
            services.add_revision(
                remediation,
                draft=answer.draft,
                drafter=drafter,
                author=None,
                base=base,
                actor=DRAFTING,
                at=at,
                origin=_origin(started, answer),
            )
            return f"Drafted by {drafter.label}: {len(answer.draft.steps)} steps."
        if isinstance(answer, NeedsPerson):
            reason = "\n".join(each.text for each in answer.reasons)
            services.move(remediation, Status.NEEDS_PERSON, actor=DRAFTING, at=at, reason=reason)
            return "A person is needed."
        reason = f"{Attempt.Outcome(answer.kind).label}: {answer.message}"
        services.move(remediation, Status.FAILED, actor=DRAFTING, at=at, reason=reason)
        return f"Failed: {answer.message}"


def _origin(started: Round, answer: Drafted) -> Origin | None:
    """What wrote the answer, and the runbooks it could read; one that came without its exchange has no origin."""
    if not answer.exchanges:
        return None
    last = answer.exchanges[-1]
    playbooks = knowledge.naming(operations_of(answer.draft), started.books)
    return Origin(started.drafter.name, last.model, last.prompt_version, playbooks)


def _is_open(remediation: Remediation, head: Revision | None) -> bool:
    """Whether the remediation waits for a draft: in drafting, with no revision since it came there."""
    if remediation.status != Status.DRAFTING:
        return False
    return head is None or head.created_at < remediation.status_at


def _is_same(started: Round, now: Remediation, head: Revision | None) -> bool:
    """Whether the remediation still waits for this round's answer: nobody drafted or moved it meanwhile."""
    return now.status == Status.DRAFTING and now.status_at == started.remediation.status_at and head == started.base


def _storable(text: str) -> str:
    """PostgreSQL cannot store NUL; whatever came over the wire must not lose its record for that."""
    return text.replace("\x00", "\\x00")
