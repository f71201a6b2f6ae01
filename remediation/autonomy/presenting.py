"""What the certificate pages show, worked out from rows: figures, words, and what a certificate allowed over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from portal.access import grants
from portal.access.models import Person
from portal.kit.charts import Chart, Series, bar_chart
from portal.kit.refusals import Reason
from portal.kit.spans import by_span, labels_of, spans_of
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate
from remediation.autonomy.listing import State, state_of
from remediation.execution.models import Run
from remediation.execution.states import RunStatus
from remediation.policy.evidence import Evidence

CHARTED = 200
STATES = {
    State.LIVE: "In force",
    State.ASKED: "Asked for",
    State.REVOKED: "Revoked",
    State.EXPIRED: "Expired",
    State.LAPSED: "Not granted in time",
}
ENDED_BADLY = frozenset({RunStatus.ROLLED_BACK, RunStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that a certificate allowed."""

    at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Row:
    """A certificate as lists show it."""

    certificate: Certificate
    state: State
    word: str


def row_of(certificate: Certificate, *, at: datetime) -> Row:
    """A certificate with its state now."""
    state = state_of(certificate, at=at)
    return Row(certificate, state, STATES[state])


def granters(certificate: Certificate) -> list[Person]:
    """Who signed the question."""
    return [vote.person for vote in certificate.plan.votes.all()] if certificate.plan else []


def figures_of(evidence: Evidence) -> list[dict[str, Any]]:
    """The figures beside what is asked for."""
    record, asked = evidence.record, evidence.asked
    return [
        {"name": "Different tickets", "value": str(len(record.tickets)), "asked": str(asked.min_tickets)},
        {
            "name": "Succeeded, at least",
            "value": f"{record.bound_permille / 10:g} %",
            "asked": f"{asked.min_bound_permille / 10:g} %",
            "detail": f"{record.succeeded} of {len(record.tickets)}, with 95 % confidence",
        },
        {"name": "Rollback", "value": evidence.rollback.state, "asked": "proven", "detail": evidence.rollback.says},
        {
            "name": "Not counted",
            "value": str(record.not_counted),
            "detail": "edited, run by hand, or of another origin",
        },
    ]


def origin_of(evidence: Evidence) -> list[tuple[str, str]]:
    """What wrote the drafts, in words."""
    wrote = evidence.origin
    books = ", ".join(f"{slug} {digest[:12]}" for slug, digest in sorted(wrote.playbooks.items()))
    return [
        ("Drafter", wrote.drafter),
        ("Model", wrote.model or "none: it follows runbooks"),
        ("Prompt", wrote.prompt),
        ("Runbooks", books or "none"),
        ("Fingerprint", wrote.digest[:12]),
    ]


def outcomes_of(certificate: Certificate) -> dict[str, int]:
    """How many signatures, tickets and runs a certificate led to, and how the runs ended."""
    votes = certificate.votes.aggregate(signatures=Count("pk"), tickets=Count("plan__ticket_id", distinct=True))
    runs = Run.objects.filter(plan__votes__certificate=certificate).aggregate(
        runs=Count("pk"),
        verified=Count("pk", filter=Q(status=RunStatus.SUCCEEDED)),
        rolled_back=Count("pk", filter=Q(status=RunStatus.ROLLED_BACK)),
        failed=Count("pk", filter=Q(status=RunStatus.FAILED)),
    )
    return {**votes, **runs}


def outcomes_chart(certificate: Certificate) -> Chart:
    """The runs a certificate allowed, span by span, by how they ended."""
    rows = Run.objects.filter(plan__votes__certificate=certificate).order_by("-pk")
    runs = [Outcome(*each) for each in rows.values_list("started_at", "status")[:CHARTED]]
    spans = spans_of(runs)
    kinds = [
        ("Verified", [each for each in runs if each.status == RunStatus.SUCCEEDED]),
        ("Rolled back or failed", [each for each in runs if each.status in ENDED_BADLY]),
    ]
    series = [Series(name, [len(each) for each in by_span(spans, found)]) for name, found in kinds]
    return bar_chart("Runs under this certificate", labels_of(spans), series)


def why_not_sign(certificate: Certificate, person: Person) -> list[Reason]:
    """Why this person's signature under the question would not be taken; empty if it would."""
    if certificate.plan is None:
        return []
    own = signoffs.why_not(certificate.plan, person)
    return [*([own] if own else []), *signoffs.lacking(certificate.plan, person)]


def may_configure(certificate: Certificate, person: Person) -> bool:
    """Whether the person may take the certificate back."""
    return grants.of(person).may("configure", certificate.category_id)
