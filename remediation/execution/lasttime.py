"""A run beside the last one of the same pattern: what each step came to then and now, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from portal.access import grants
from portal.access.models import Person
from portal.kit.durations import span
from remediation.execution import records
from remediation.execution.models import Run, StepRun
from remediation.review.plans import PlanStep


@dataclass(frozen=True, slots=True)
class Side:
    """One step of one of the two runs."""

    title: str
    target: str
    status: str
    took: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The steps of one number, then and now; None where that run has none. `differs` in what it came to."""

    number: int
    then: Side | None
    now: Side | None

    @property
    def sides(self) -> tuple[Side | None, Side | None]:
        """Then, and now."""
        return self.then, self.now

    @property
    def differs(self) -> bool:
        """Whether it came to something else, or is something else."""
        if self.then is None or self.now is None:
            return True
        return (self.then.title, self.then.status) != (self.now.title, self.now.status)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last run, and the steps of both beside each other."""

    then: Run
    took_then: str
    pairs: Sequence[Pair]


def last_run(run: Run, viewer: Person) -> Run | None:
    """The newest finished run before this one, of the same pattern and in a category that the viewer may see."""
    pattern = run.remediation.ticket.pattern_id
    if pattern is None:
        return None
    rows = Run.objects.filter(pk__lt=run.pk, finished_at__isnull=False, remediation__ticket__pattern=pattern)
    seen = grants.of(viewer).categories("see")
    if seen is not None:
        rows = rows.filter(remediation__category__in=seen)
    return rows.select_related("plan", "remediation__ticket").order_by("-id").first()


def compare(run: Run, then: Run, *, first: int, last: int) -> Comparison:
    """Two runs side by side, from the first to the last of these numbers."""
    sides = [_sides(each, first, last) for each in (then, run)]
    pairs = [Pair(number, *both) for number, both in enumerate(zip_longest(*sides), start=first)]
    took = span((then.finished_at - then.started_at).total_seconds()) if then.finished_at else ""
    return Comparison(then, took, pairs)


def usual(run: Run, step: StepRun, planned: PlanStep, viewer: Person) -> str:
    """How long the action of the same step took in the last run, in words; empty where there is none to compare."""
    then = last_run(run, viewer)
    same = [
        each
        for each in (_sides(then, step.number, step.number) if then else [])
        if (each.title, each.target) == (planned.title, planned.target)
    ]
    return same[0].took if same else ""


def longest(run: Run, then: Run) -> int:
    """How many steps the longer of the two has."""
    return max(len(records.content_of(run).steps), len(records.content_of(then).steps))


def _sides(run: Run, first: int, last: int) -> list[Side]:
    planned = records.content_of(run).steps[first - 1 : last]
    steps = run.steps.filter(number__range=(first, last))
    return [_side(*both) for both in zip(planned, steps, strict=True)]


def _side(planned: PlanStep, step: StepRun) -> Side:
    return Side(planned.title, planned.target, step.status, took(step))


def took(step: StepRun) -> str:
    """How long the action of a step took, in words; empty where it has not acted."""
    if step.intended_at is None or step.acted_at is None:
        return ""
    return span((step.acted_at - step.intended_at).total_seconds())
