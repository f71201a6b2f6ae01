"""Figures over a period: counts and sums by category, one query per source, and the rates that follow from them.

A rate is part / whole, 0 to 1; where the whole is 0 it is None. All figures come from rows of the period, except those
of patterns, which are their standing now. docs/api.md defines every figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum

from feedback.models import Feedback
from patterns.models import Pattern
from portal.estate.models import Category
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.execution.models import Run
from remediation.execution.states import RunStatus
from remediation.policy.models import Assessment, Decision
from remediation.tickets.models import Ticket
from remediation.tickets.states import FINISHED, TicketStatus

Sums = Counter[str]
Figures = dict[str, Any]

CONTRADICTED = Q(resolution_accurate=False) | Q(actions_worked=False)
POSITIVE = Q(feedback_type=Feedback.Type.POSITIVE) & ~CONTRADICTED
ENDED = (RunStatus.SUCCEEDED, RunStatus.ROLLED_BACK, RunStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` (included) to `until` (excluded)."""

    since: datetime
    until: datetime

    def of(self, column: str) -> Q:
        """The rows whose time lies in the period."""
        return Q(**{f"{column}__gte": self.since, f"{column}__lt": self.until})


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures of all categories together, and of each by its slug."""

    overall: Figures
    by_category: Mapping[str, Figures]


def reliability(categories: Collection[Category], period: Period) -> Stats:
    """How good answers were: reliability, confidence, resolution, what people said."""
    return _stats(categories, _quality_figures, _outcomes(period), _assessments(period), _opinions(period))


def auto_remediation(categories: Collection[Category], period: Period) -> Stats:
    """How much ran by itself and how that went: execution, success, approval; the patterns' standing."""
    return _stats(categories, _autonomy_figures, _decided(period), _runs(period), _patterns())


def ratings(categories: Collection[Category], period: Period) -> list[int]:
    """How many answers gave one star, two, up to five; each answer as it reads now."""
    rows = Feedback.objects.filter(period.of("updated_at"), ticket__category__in=categories).order_by()
    counted = dict(rows.values_list("rating").annotate(count=Count("pk")))
    return [counted.get(stars, 0) for stars in range(1, 6)]


def _stats(
    categories: Collection[Category], figures: Callable[[Sums], Figures], *sources: QuerySet[Any, dict[str, Any]]
) -> Stats:
    """Add up rows of `place` (a category's id) and numbers; `sources` are not narrowed to the categories yet."""
    sums: dict[int, Sums] = {category.pk: Counter() for category in categories}
    for source in sources:
        for row in source.filter(place__in=list(sums)):
            place = row.pop("place")
            sums[place].update({name: number or 0 for name, number in row.items()})
    return Stats(
        overall=figures(sum(sums.values(), Counter())),
        by_category={category.slug: figures(sums[category.pk]) for category in categories},
    )


def _quality_figures(sums: Sums) -> Figures:
    return {
        "average_reliability": _rate(sums["reliability"], sums["assessed"] * 10),
        "average_confidence": _rate(sums["confidence"], sums["confident"] * 1_000),
        "tickets_finished": sums["finished"],
        "resolution_rate": _rate(sums["resolved"], sums["finished"]),
        "feedback_count": sums["answers"],
        "positive_rate": _rate(sums["positive"], sums["answers"]),
        "negative_rate": _rate(sums["negative"], sums["answers"]),
        "average_rating": _rate(sums["stars"], sums["answers"]),
        "resolution_accuracy": _rate(sums["accurate"], sums["judged"]),
    }


def _autonomy_figures(sums: Sums) -> Figures:
    return {
        "remediations_decided": sums["decided"],
        "execution_rate": _rate(sums["executed"], sums["decided"]),
        "approval_rate": _rate(sums["approved"], sums["approved"] + sums["rejected"]),
        "runs_ended": sums["ended"],
        "success_rate": _rate(sums["succeeded"], sums["ended"]),
        "patterns": sums["patterns"],
        "eligible_patterns": sums["eligible"],
        "pattern_success_rate": _rate(sums["pattern_successes"], sums["pattern_runs"]),
    }


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _outcomes(period: Period) -> QuerySet[Any, dict[str, Any]]:
    """Tickets that finished. A closed one was resolved if a remediation of it had succeeded."""
    worked = Exists(Remediation.objects.filter(ticket=OuterRef("pk"), status=Status.SUCCEEDED))
    rows = Ticket.objects.filter(period.of("finished_at"), status__in=FINISHED).annotate(has_worked=worked)
    resolved = Q(status=TicketStatus.RESOLVED) | Q(status=TicketStatus.CLOSED, has_worked=True)
    return _by(rows, "category_id", finished=Count("pk"), resolved=Count("pk", filter=resolved))


def _assessments(period: Period) -> QuerySet[Any, dict[str, Any]]:
    """Remediations that were assessed, each as it was assessed last."""
    last = Assessment.objects.filter(period.of("at")).values("remediation").annotate(last=Max("pk")).values("last")
    known = ~Q(no_data__contains=["ai_confidence"])
    return _by(
        Assessment.objects.filter(pk__in=last),
        "remediation__category_id",
        assessed=Count("pk"),
        reliability=Sum("overall_permille"),
        confident=Count("pk", filter=known),
        confidence=Sum("ai_confidence_permille", filter=known),
    )


def _opinions(period: Period) -> QuerySet[Any, dict[str, Any]]:
    """What people said, each answer as it reads now."""
    return _by(
        Feedback.objects.filter(period.of("updated_at")),
        "ticket__category_id",
        answers=Count("pk"),
        positive=Count("pk", filter=POSITIVE),
        negative=Count("pk", filter=Q(feedback_type=Feedback.Type.NEGATIVE)),
        stars=Sum("rating"),
        judged=Count("pk", filter=Q(resolution_accurate__isnull=False)),
        accurate=Count("pk", filter=Q(resolution_accurate=True)),
    )


def _decided(period: Period) -> QuerySet[Any, dict[str, Any]]:
    """Remediations about which a decision was made: executed by workers, approved or rejected by people."""
    about = Decision.objects.filter(period.of("at")).values("remediation")
    signed = Plan.objects.filter(
        subject_kind="drafting.remediation",
        subject_id=OuterRef("pk"),
        stage=Stage.ROLLOUT,
        status__in=[PlanStatus.SIGNED, PlanStatus.CLAIMED],
    )
    rows = Remediation.objects.filter(pk__in=about).annotate(
        has_run=Exists(Run.objects.filter(remediation=OuterRef("pk"), mode=Run.Mode.WORKERS)), is_signed=Exists(signed)
    )
    return _by(
        rows,
        "category_id",
        decided=Count("pk"),
        executed=Count("pk", filter=Q(has_run=True)),
        approved=Count("pk", filter=Q(is_signed=True)),
        rejected=Count("pk", filter=Q(is_signed=False, status=Status.REJECTED)),
    )


def _runs(period: Period) -> QuerySet[Any, dict[str, Any]]:
    """Runs of workers that ended."""
    rows = Run.objects.filter(period.of("finished_at"), mode=Run.Mode.WORKERS, status__in=ENDED)
    succeeded = Q(status=RunStatus.SUCCEEDED)
    return _by(rows, "remediation__category_id", ended=Count("pk"), succeeded=Count("pk", filter=succeeded))


def _patterns() -> QuerySet[Any, dict[str, Any]]:
    return _by(
        Pattern.objects.all(),
        "category_id",
        patterns=Count("pk"),
        eligible=Count("pk", filter=Q(is_eligible=True)),
        pattern_runs=Sum("executed_count"),
        pattern_successes=Sum("succeeded_count"),
    )


def _by(rows: QuerySet[Any], category: str, **numbers: Count | Sum) -> QuerySet[Any, dict[str, Any]]:
    counted: QuerySet[Any, dict[str, Any]] = rows.order_by().values(place=F(category)).annotate(**numbers)
    return counted
