"""How many sign and who has to be among them; what the votes given so far add up to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Case:
    """What a plan is, as far as its quorum depends on it."""

    stage: str
    category_id: int
    risk: str
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: for which cases, how many, and a group that has to be among them. None and "" match everything."""

    stage: str
    category_id: int | None = None
    risk: str = ""
    severity: str = ""
    needed: int = 1
    group_id: int | None = None

    def matches(self, case: Case) -> bool:
        """Whether the rule is about this case."""
        return (
            self.stage == case.stage
            and self.category_id in (None, case.category_id)
            and self.risk in ("", case.risk)
            and self.severity in ("", case.severity)
        )


@dataclass(frozen=True, slots=True)
class Requirement:
    """So many people, at least one of each of these groups."""

    needed: int = 1
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What counts of one vote: the groups it speaks for, how long it lasts, and when the run may start under it."""

    groups: frozenset[int]
    expires_at: datetime
    runs_from: datetime | None = None
    runs_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When a run that was approved ahead may start."""

    runs_from: datetime
    runs_until: datetime

    def __str__(self) -> str:
        return f"{self.runs_from:%Y-%m-%d %H:%M} to {self.runs_until:%Y-%m-%d %H:%M} UTC"


def requirement(rules: Iterable[Rule], case: Case, *, owner_groups: Collection[int] = ()) -> Requirement:
    """Of all rules that match the most people, and every group: a rule only ever adds."""
    matching = [rule for rule in rules if rule.matches(case)]
    groups = {rule.group_id for rule in matching if rule.group_id is not None} | set(owner_groups)
    return Requirement(max((rule.needed for rule in matching), default=1), tuple(sorted(groups)))


def lacking(wanted: Requirement, votes: Sequence[Given]) -> Requirement:
    """What is still to come; `needed` is 0 and `groups` empty once the votes are enough."""
    spoken_for = frozenset[int]().union(*(vote.groups for vote in votes))
    groups = tuple(group for group in wanted.groups if group not in spoken_for)
    return Requirement(max(0, wanted.needed - len(votes)), groups)


def is_met(wanted: Requirement, votes: Sequence[Given]) -> bool:
    """Whether these votes are enough."""
    return lacking(wanted, votes) == Requirement(0)


def window(votes: Sequence[Given]) -> Window | None:
    """The time that everybody who approved ahead allows; None if nobody did.

    Where they do not overlap it ends before it starts.
    """
    starts = [vote.runs_from for vote in votes if vote.runs_from]
    ends = [vote.runs_until for vote in votes if vote.runs_until]
    return Window(max(starts), min(ends)) if starts and ends else None
