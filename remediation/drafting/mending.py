"""What rooms above find wrong with a role, so that a model can mend it before people read it.

A registry: those rooms know the rules, and this one must not import them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from remediation.drafting import schema

    Judge = Callable[[schema.RolePart], list[str]]

_judges: list[Judge] = []


def register(judge: Judge) -> None:
    """Have every role judged; the answer is a sentence per fault: where, what, and how to mend it."""
    _judges.append(judge)


def faults_of(part: schema.RolePart) -> list[str]:
    """Everything that somebody finds wrong with a role."""
    return [fault for judge in _judges for fault in judge(part)]
