"""Answers that may be a moment old: work that comes together, as in an outage, asks each of these questions once.

Only inside `among`, and only where the caller says so: what is signed, claimed or written is asked anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Answer = TypeVar("Answer")
_known: ContextVar[MutableMapping[Any, Any] | None] = ContextVar("known", default=None)


@contextmanager
def among(answers: MutableMapping[Any, Any]) -> Iterator[None]:
    """Inside the block, what is among the answers is not asked again. How old they may be, their owner says."""
    before = _known.set(answers)
    try:
        yield
    finally:
        _known.reset(before)


def or_ask(question: Hashable, ask: Callable[[], Answer]) -> Answer:
    """The answer to a question that is told from all others by its name and values; outside `among` it is asked."""
    known = _known.get()
    if known is None:
        return ask()
    if question not in known:
        known[question] = ask()
    answer: Answer = known[question]
    return answer
