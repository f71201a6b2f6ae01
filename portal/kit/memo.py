"""Answers kept on the object they are about, for as long as it lives: a person loaded for a request, mostly."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def once(about: object, name: str, read: Callable[[], Answer]) -> Answer:
    """What `read` answers, asked the first time only."""
    kept = f"_{name}"
    if not hasattr(about, kept):
        setattr(about, kept, read())
    answer: Answer = getattr(about, kept)
    return answer
