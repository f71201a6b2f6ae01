"""Gathers what a drafter may know about a ticket: evidence, runbooks, targets, what was done before, what was spent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from django.db.models import F, Q, QuerySet, Sum

from patterns import reads
from patterns.models import Occurrence, Pattern
from portal.kit import statements
from portal.kit.statements import Query, among, given
from remediation.connectors.operations import Family
from remediation.drafting import schema
from remediation.drafting.models import Attempt, Remediation, Revision
from remediation.drafting.protocol import DraftRequest, EvidenceText, PastRemediation, RoleWish, Spend
from remediation.drafting.states import Status
from remediation.knowledge.extraction import KnownTarget
from remediation.knowledge.procedures import Procedure
from remediation.tickets import services as tickets
from remediation.tickets.models import Evidence, Ticket
from remediation.tickets.models import Timeline as Kept
from remediation.tickets.timelines import Timeline

PLAYS_ROLES = "roles"
"""The provider of connectors that apply roles."""
TARGETS_AT_MOST = 500
PAST_AT_MOST = 5

_MENTIONED = r"""
SELECT identity, family, coalesce(connector.provider = %s, false)
  FROM estate_target AS target
  LEFT JOIN connectors_connector AS connector ON connector.slug = target.connector AND connector.is_enabled
 WHERE family = ANY(%s) AND strpos(%s, regexp_replace(identity, '^[a-z]+:([^/]+).*$', '\1')) > 0
 ORDER BY identity LIMIT %s
"""

OUTCOMES = {
    Status.SUCCEEDED: "succeeded",
    Status.ROLLED_BACK: "rolled back",
    Status.FAILED: "failed",
}


def request_of(
    remediation: Remediation,
    pattern: Pattern,
    *,
    similarity_percent: int,
    procedures: tuple[Procedure, ...],
    spent: Spend,
) -> DraftRequest:
    """Everything about the ticket as plain values, read once; nothing of the database leaves with it."""
    ticket = remediation.ticket
    given_ones = tickets.evidence_of(ticket)
    kept = tickets.timeline_of(ticket) if any(row.timeline_id for row in given_ones) else None
    timeline = kept.told if kept else None
    evidence = evidence_of(given_ones, kept)
    targets = _mentioned(_words(ticket, evidence))
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
        targets=targets,
        spent=spent,
        timeline=timeline,
        role=wish_of(timeline, ticket.affected_systems, targets, is_asked=remediation.is_role_wanted),
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


def evidence_of(rows: Iterable[Evidence], timeline: Kept | None) -> tuple[EvidenceText, ...]:
    """All evidence but that of a timeline in whose place this one came."""
    newest = timeline.pk if timeline else None
    return tuple(_evidence(row) for row in rows if row.timeline_id in {None, newest})


def _evidence(row: Evidence) -> EvidenceText:
    kind = Evidence.Kind(row.kind).value
    return EvidenceText(row.ref, kind, row.text, row.command or None, row.observed_at)  # type: ignore[arg-type]


def _words(ticket: Ticket, evidence: Iterable[EvidenceText]) -> str:
    observed = (f"{piece.command or ''}\n{piece.text}" for piece in evidence)
    return "\n".join([ticket.title, ticket.description, *ticket.affected_systems, *observed])


def _mentioned(words: str) -> tuple[KnownTarget, ...]:
    """Targets whose system the ticket names: `lab-k8s` of `kubernetes:lab-k8s/payments/deployment/api`."""
    with statements.cursor() as cursor:
        cursor.execute(_MENTIONED, [PLAYS_ROLES, list(Family), words, TARGETS_AT_MOST])
        rows = cursor.fetchall()
    return tuple(KnownTarget(identity, Family(family), plays_roles) for identity, family, plays_roles in rows)


def wish_of(
    timeline: Timeline | None, systems: Iterable[str], targets: Iterable[KnownTarget], *, is_asked: bool
) -> RoleWish | None:
    """A role is drafted if somebody asked; or if people told the cause, and all hosts that they name take roles."""
    if is_asked:
        return RoleWish.ASKED
    if timeline is None or not timeline.root_cause:
        return None
    named = {name.removeprefix("hosts:") for name in (*systems, *timeline.hosts)}
    hosts = [target for target in targets if target.family == Family.HOSTS and target.system in named]
    return RoleWish.FITS if hosts and all(target.plays_roles for target in hosts) else None


def _past(ticket: Ticket, pattern: Pattern, similarity_percent: int) -> tuple[PastRemediation, ...]:
    """The newest finished remediations of the pattern that were signed and ran, the good ones first."""
    newest = _good_first(_RAN.all(pattern=pattern.pk, ticket=ticket.pk))[:PAST_AT_MOST]
    if not newest:
        return ()
    heads = {each.remediation_id: each for each in _HEADS.all(remediations=[row.pk for row in newest])}
    said = {each.ticket_id: each for each in _SAID.all(pattern=pattern.pk, tickets=[row.ticket_id for row in newest])}
    return tuple(
        PastRemediation(
            ticket_key=row.ticket.key,
            title=row.ticket.title,
            draft=_read(heads[row.pk].content),
            outcome=OUTCOMES[Status(row.status)],
            feedback=_feedback(said.get(row.ticket_id)),
            similarity_percent=similarity_percent,
            is_success=row.status == Status.SUCCEEDED,
        )
        for row in newest
    )


def _ran() -> QuerySet[Remediation]:
    ran = reads.newest_executed(given("pattern"), most=PAST_AT_MOST * 4).values("ticket_id")
    over = Q(status__in=[Status.SUCCEEDED, Status.ROLLED_BACK]) | Q(status=Status.FAILED, has_written=True)
    rows = Remediation.objects.filter(over, ~Q(ticket=given("ticket")), ticket__in=ran)
    return rows.select_related("ticket").order_by("-id")


_RAN = Query(_ran)
_HEADS = Query(
    lambda: (
        Revision.objects.filter(among("remediation_id", "remediations"))
        .order_by("remediation_id", "-number")
        .distinct("remediation_id")
    )
)
_SAID = Query(
    lambda: (
        Occurrence.objects.filter(
            among("ticket_id", "tickets"), pattern=given("pattern"), kind=Occurrence.Kind.FEEDBACK
        )
        .order_by("ticket_id", "-id")
        .distinct("ticket_id")
    )
)
_read = lru_cache(maxsize=64)(schema.from_text)  # in an outage the same past is remembered for every ticket


def _good_first(rows: Iterable[Remediation]) -> list[Remediation]:
    return sorted(rows, key=lambda row: row.status != Status.SUCCEEDED)


def _feedback(last: Occurrence | None) -> str | None:
    return f"{last.feedback_type}, {last.rating} of 5" if last else None
