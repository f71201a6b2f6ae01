"""A worker's turn that ends where a test says: before or after any transaction, or around the write itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from django.db import transaction

from remediation.connectors import client
from remediation.connectors.operations import Call
from remediation.connectors.probes import Outcome
from remediation.execution.models import Run, StepRun
from remediation.execution.shift import Shift


class Crash(BaseException):
    """The worker is gone: no handler of the product may catch this."""


@dataclass
class Fuse:
    """Burns down by one at every boundary; None never burns. `late` are writes whose worker froze before sending."""

    left: int | None = None
    freezes: bool = False
    late: list[Callable[[], Outcome]] = field(default_factory=list)

    def burn(self) -> bool:
        """Whether the worker ends at this boundary."""
        if self.left is None:
            return False
        self.left -= 1
        return self.left < 0


@dataclass(frozen=True)
class FragileShift(Shift):
    """A shift with a fuse."""

    fuse: Fuse = field(default_factory=Fuse)

    @contextmanager
    def writing(self) -> Iterator[Run]:
        """The transaction, with a boundary before it and one after its commit."""
        self._boundary()
        with Shift.writing(self) as run:
            yield run
        self._boundary()

    @contextmanager
    def at_step(self, number: int) -> Iterator[StepRun]:
        """As above."""
        self._boundary()
        with Shift.at_step(self, number) as step:
            yield step
        self._boundary()

    @contextmanager
    def writing_at(self, number: int) -> Iterator[StepRun]:
        """As above."""
        self._boundary()
        with Shift.writing_at(self, number) as step:
            yield step
        self._boundary()

    def write(self, connector: str, call: Call, *, key: str) -> Outcome:
        """The write, with a boundary before and one after it; a worker that freezes there sends it when it thaws."""
        if self.fuse.burn():
            if self.fuse.freezes:
                send = partial(client.write, connector, call.tool, call.arguments, idempotency_key=key)
                self.fuse.late.append(partial(send, fence=self.fence))
            raise Crash
        outcome = Shift.write(self, connector, call, key=key)
        self._boundary()
        return outcome

    def _boundary(self) -> None:
        if self.fuse.burn():
            raise Crash


def fragile(shift: Shift, fuse: Fuse) -> FragileShift:
    """The same turn with a fuse."""
    return FragileShift(**{each.name: getattr(shift, each.name) for each in fields(Shift)}, fuse=fuse)


@contextmanager
def taken_back() -> Iterator[None]:
    """Nothing of what is done inside stays in the database; law 7's guard takes it for a test's own transaction."""
    example = transaction.atomic()
    example._from_testcase = True  # type: ignore[attr-defined]
    with example:
        yield
        transaction.set_rollback(True)


def repeated(lines: Sequence[dict[str, Any]]) -> list[str]:
    """Keys under which the lab received a request that it had carried out already."""
    carried_out: set[str] = set()
    again: Counter[str] = Counter()
    for line in lines:
        if "carried_out" in line:
            carried_out.add(line["idempotency_key"])
        elif line["idempotency_key"] in carried_out:
            again[line["idempotency_key"]] += 1
    return list(again)
