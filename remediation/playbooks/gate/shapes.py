"""What goes into the gate and what comes out of it: the patch scope, findings, and rows of the checklist."""

from __future__ import annotations

from dataclasses import dataclass

RULESET = "2026-11.2"
"""Named in every stored result; it changes with every change of a rule."""


@dataclass(frozen=True, slots=True)
class Scope:
    """All that the tasks of a role may touch: absolute paths (and what is below), units of systemd, packages."""

    paths: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong: where (`line` counts from 1), which rule says so, and how to mend it."""

    file: str
    line: int
    rule: str
    text: str
    mend: str


@dataclass(frozen=True, slots=True, order=True)
class Marked:
    """One row of the reviewer's checklist: a task that somebody has to confirm, and why."""

    file: str
    line: int
    task: str
    why: str
