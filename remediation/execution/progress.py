"""How far a run is: counted, by target, and in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.kit.durations import span
from remediation.execution.states import RunStatus, StepStatus
from remediation.review.plans import PlanStep

S = StepStatus
DONE = frozenset({S.VERIFIED})
SKIPPED = frozenset({S.SKIPPED})
UNDONE = frozenset({S.ROLLED_BACK})
AT_IT = frozenset({S.PREFLIGHT, S.INTENDED, S.ACTED, S.UNKNOWN, S.ROLLING_BACK})
STANDS = frozenset({S.FAILED, S.ROLLBACK_FAILED})
STEPS_A_PAGE = 25
TARGETS_A_PAGE = 50
CELLS_A_ROW = 40


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps done of all, the one that the run is at (0: none), and how many more are in hand beside it."""

    done: int
    skipped: int
    undone: int
    total: int
    at: int
    beside: int
    seconds: float

    @property
    def behind(self) -> int:
        """Steps that need nothing more: how full the bar is."""
        return self.done + self.skipped + self.undone

    @property
    def elapsed(self) -> str:
        """For how long it goes on, or went on, in words."""
        return span(self.seconds)


@dataclass(frozen=True, slots=True)
class Cell:
    """One step on a target."""

    number: int
    title: str
    status: str


@dataclass(frozen=True, slots=True)
class Row:
    """One target with its steps in order; `more` is how many are not shown."""

    target: str
    cells: Sequence[Cell]
    more: int


@dataclass(frozen=True, slots=True)
class Window:
    """Which steps, or targets, of all are on the page; `before` and `after` lead to the neighbours (None: an end)."""

    first: int
    last: int
    total: int
    before: int | None
    after: int | None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.before is None and self.after is None


def progress(
    statuses: Mapping[int, str], status: RunStatus, *, started_at: datetime, finished_at: datetime | None, at: datetime
) -> Progress:
    """Counts of a run; `statuses` by number, in the plan's order."""
    seconds = ((finished_at or at) - started_at).total_seconds()
    found = list(statuses.values())
    return Progress(
        done=sum(each in DONE for each in found),
        skipped=sum(each in SKIPPED for each in found),
        undone=sum(each in UNDONE for each in found),
        total=len(found),
        at=current(statuses, status),
        beside=max(0, sum(each in AT_IT for each in found) - 1),
        seconds=seconds,
    )


def current(statuses: Mapping[int, str], status: RunStatus) -> int:
    """The number of the step where something happens, or is to be decided; 0 where there is none."""
    for wanted in (AT_IT, STANDS):
        for number, each in statuses.items():
            if each in wanted:
                return number
    if status in {RunStatus.SUCCEEDED, RunStatus.ROLLED_BACK, RunStatus.FAILED}:
        return 0
    return next((number for number, each in statuses.items() if each == S.PENDING), 0)


def window(number: int, total: int, *, size: int) -> Window:
    """The page of numbered things that holds this one, the first for what does not exist."""
    number = number if 1 <= number <= total else 1
    first = (number - 1) // size * size + 1
    last = min(first + size - 1, total)
    before = first - size if first > size else None
    return Window(first, last, total, before, last + 1 if last < total else None)


def rows(steps: Sequence[PlanStep], statuses: Mapping[int, str], number: int) -> tuple[list[Row], Window]:
    """The page of targets that begins with the target of this number, each with its steps, and which page that is."""
    by_target: dict[str, list[PlanStep]] = {}
    for step in steps:
        by_target.setdefault(step.target, []).append(step)
    shown = window(number, len(by_target), size=TARGETS_A_PAGE)
    targets = list(by_target)[shown.first - 1 : shown.last]
    return [_row(target, by_target[target], statuses) for target in targets], shown


def _row(target: str, steps: Sequence[PlanStep], statuses: Mapping[int, str]) -> Row:
    cells = [Cell(step.number, step.title, statuses[step.number]) for step in steps[:CELLS_A_ROW]]
    return Row(target, cells, more=max(0, len(steps) - CELLS_A_ROW))
