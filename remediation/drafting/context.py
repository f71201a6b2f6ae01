"""Gathers what a drafter may know about a ticket: evidence, runbooks, targets, what was done before, what was spent."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Func, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import StrIndex

from patterns.models import Occurrence, Pattern
from portal.estate.models import Target
from remediation.connectors.operations import Family
from remediation.drafting import schema
from remediation.drafting.models import Attempt, Remediation
from remediation.drafting.protocol import DraftRequest, EvidenceText, PastRemediation, Spend
from remediation.drafting.states import Status
from remediation.knowledge.extraction import KnownTarget
from remediation.knowledge.procedures import Procedure
from remediation.tickets.models import Evidence, Ticket

TARGETS_AT_MOST = 500
PAST_AT_MOST = 5

OUTCOMES = {
    Status.SUCCEEDED: "succeeded",
    Status.ROLLED_BACK: "rolled back",
    Status.FAILED: "failed",
}


def request_of(
    ticket: Ticket, pattern: Pattern, *, similarity_percent: int, procedures: tuple[Procedure, ...], spent: Spend
) -> DraftRequest:
    """Everything about the ticket as plain values, read once; nothing of the database leaves with it."""
    evidence = tuple(_evidence(row) for row in ticket.evidence.order_by("number"))
    return DraftRequest(
        key=ticket.key,
        title=ticket.title,
        description=ticket.description,
        category=ticket.category.slug,
        severity=ticket.get_severity_display(),
        environment=ticket.environment,
        service=ticket.service.slug if ticket.service else None,
        systems=tuple(ticket.affected_systems),
        evidence=evidence,
        procedures=procedures,
        past=_past(ticket, pattern, similarity_percent),
        targets=_mentioned(_words(ticket, evidence)),
        spent=spent,
    )


def spend_of(ticket: Ticket) -> Spend:
    """What the ticket's attempts cost so far, over all its remediations."""
    attempts = Attempt.objects.filter(remediation__ticket=ticket)
    tokens = F("input_tokens"), F("output_tokens"), F("cache_read_tokens"), F("cache_write_tokens")
    unpriced = Q(price_microdollars__isnull=True)
    sums = attempts.aggregate(
        price=Sum("price_microdollars"),
        **{f"tokens_{number}": Sum(column, filter=unpriced) for number, column in enumerate(tokens)},
    )
    return Spend(sums.pop("price") or 0, sum(count or 0 for count in sums.values()))


def _evidence(row: Evidence) -> EvidenceText:
    kind = Evidence.Kind(row.kind).value
    return EvidenceText(row.ref, kind, row.text, row.command or None, row.observed_at)  # type: ignore[arg-type]


def _words(ticket: Ticket, evidence: Iterable[EvidenceText]) -> str:
    observed = (f"{piece.command or ''}\n{piece.text}" for piece in evidence)
    return "\n".join([ticket.title, ticket.description, *ticket.affected_systems, *observed])


def _mentioned(words: str) -> tuple[KnownTarget, ...]:
    """Targets whose system the ticket names: `lab-k8s` of `kubernetes:lab-k8s/payments/deployment/api`."""
    system = Func(
        F("identity"), Value(r"^[a-z]+:([^/]+).*$"), Value(r"\1"), function="regexp_replace", output_field=TextField()
    )
    position = StrIndex(Value(words), system)
    families = [family.value for family in Family]
    rows = Target.objects.alias(position=position).filter(position__gt=0, family__in=families).order_by("identity")
    found = rows.values_list("identity", "family")[:TARGETS_AT_MOST]
    return tuple(KnownTarget(identity, Family(family)) for identity, family in found)


def _past(ticket: Ticket, pattern: Pattern, similarity_percent: int) -> tuple[PastRemediation, ...]:
    """The newest finished remediations of the pattern that were signed and ran, the good ones first."""
    ran = Q(status__in=[Status.SUCCEEDED, Status.ROLLED_BACK]) | Q(status=Status.FAILED, has_written=True)
    rows = Remediation.objects.filter(ran, ticket__pattern=pattern).exclude(ticket=ticket).select_related("ticket")
    newest = _good_first(rows.order_by("-id")[: PAST_AT_MOST * 4])[:PAST_AT_MOST]
    return tuple(_remembered(row, similarity_percent) for row in newest)


def _good_first(rows: QuerySet[Remediation]) -> list[Remediation]:
    return sorted(rows, key=lambda row: row.status != Status.SUCCEEDED)


def _remembered(row: Remediation, similarity_percent: int) -> PastRemediation:
    revision = row.revisions.order_by("-number")[:1].get()
    return PastRemediation(
        ticket_key=row.ticket.key,
        title=row.ticket.title,
        draft=schema.from_text(revision.content),
        outcome=OUTCOMES[Status(row.status)],
        feedback=_feedback(row.ticket),
        similarity_percent=similarity_percent,
        is_success=row.status == Status.SUCCEEDED,
    )


def _feedback(ticket: Ticket) -> str | None:
    rows = Occurrence.objects.filter(kind=Occurrence.Kind.FEEDBACK, pattern=ticket.pattern_id, ticket_id=ticket.pk)
    last = rows.order_by("-id").first()
    return f"{last.feedback_type}, {last.rating} of 5" if last else None
