"""The gate itself: every rule over one role, in an order that stops where going on would make no sense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from remediation.playbooks.gate import (
    arguments,
    commands,
    convergence,
    destruction,
    folders,
    keys,
    layout,
    quarantine,
    scoping,
    strings,
    texts,
    wayback,
)
from remediation.playbooks.gate.characters import shown
from remediation.playbooks.gate.roles import Role
from remediation.playbooks.gate.shapes import Finding, Marked, Scope

MOST = 200


def check(name: str, files: Mapping[str, str], scope: Scope) -> list[Finding]:
    """Everything that is wrong with a role, by file and line; empty: it has passed. Runs nothing, never raises."""
    readable = {path: text for path, text in files.items() if texts.is_small(text)}
    found = [*texts.of_name(name), *texts.of_files(files), *scoping.of_scope(scope)]
    if sum(len(text) for text in readable.values()) > texts.MAX_TOTAL:
        return sorted(found)
    found += (texts.too_big(path) for path in files.keys() - readable.keys())
    for path, text in readable.items():
        found += texts.of_text(path, text)
    role = Role(name, {path: text for path, text in readable.items() if texts.ALLOWED.fullmatch(path)})
    found += role.unreadable
    found += _of_role(role, scope)
    return _first(sorted({replace(each, text=shown(each.text)) for each in found}))


def _first(found: list[Finding]) -> list[Finding]:
    """As many as people mend at once."""
    if len(found) <= MOST:
        return found
    text = f"There are {len(found) - MOST} more findings behind these."
    return sorted([*found[:MOST], Finding("role", 1, "size", text, "Mend these first.")])


def _of_role(role: Role, scope: Scope) -> Iterator[Finding]:
    yield from layout.findings(role)
    for task in role.all_tasks:
        yield from keys.findings(task)
        yield from arguments.findings(role, task)
        yield from commands.findings(task, scope)
        yield from scoping.findings(role, task, scope)
        yield from destruction.findings(role, task)
    yield from strings.findings(role)
    yield from destruction.floating(role)
    yield from quarantine.findings(role)
    yield from convergence.findings(role)
    yield from folders.findings(role)
    yield from folders.written_twice(role)
    yield from wayback.findings(role)


def marked(files: Mapping[str, str]) -> list[Marked]:
    """The reviewer's checklist: every task marked for review, and every one that destroys by our own rules."""
    small = {path: text for path, text in files.items() if texts.is_small(text) and texts.ALLOWED.fullmatch(path)}
    rows = destruction.marked(Role("", small))
    return sorted(replace(row, task=shown(row.task), why=shown(row.why)) for row in rows)
