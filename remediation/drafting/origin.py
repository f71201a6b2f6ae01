"""What wrote a draft: the drafter, its model, its prompt, and the runbooks it could take the steps from. Pure.

A certificate is for exactly one origin: another model, prompt or runbook has not earned anything yet. The text of a
person has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.kit import canonical
from portal.kit.plain import data_of
from remediation.drafting import schema

VERSION = "countersign.origin/1"


@dataclass(frozen=True, slots=True)
class Origin:
    """`playbooks` are the SHA-256 of the active runbooks that name an operation of the draft, by slug."""

    drafter: str
    model: str
    prompt: str
    playbooks: Mapping[str, str]

    @property
    def text(self) -> str:
        """Canonical text; empty never."""
        return canonical.text_of(data_of(self), version=VERSION)

    @property
    def digest(self) -> str:
        """The fingerprint."""
        return canonical.digest_of(self.text)


def read(text: str) -> Origin:
    """The origin behind its text."""
    return Origin(**canonical.parse(text, version=VERSION))


def operations_of(draft: schema.Draft) -> tuple[str, ...]:
    """The operations of a draft in order, each once; `command` stands for all commands."""
    actions = (step.action for step in draft.steps)
    return tuple(dict.fromkeys("command" if each.kind == "command" else each.operation for each in actions))


def action_of(operations: Iterable[str]) -> str:
    """What patterns and certificates call a draft of these operations, such as `restart_pod+scale_deployment`."""
    return "+".join(operations)


def operations_in(action: str) -> list[str]:
    """The operations that an action is made of."""
    return action.split("+")


def changes(before: Origin, after: Origin) -> list[str]:
    """What is different, a sentence each."""
    found = [
        f"The {name} was {_shown(old)} and is {_shown(new)}."
        for name, old, new in (
            ("drafter", before.drafter, after.drafter),
            ("model", before.model, after.model),
            ("prompt", before.prompt, after.prompt),
        )
        if old != new
    ]
    slugs = sorted(before.playbooks.keys() | after.playbooks.keys())
    return found + [
        f"The runbook {slug} {_fate(slug, before, after)}."
        for slug in slugs
        if before.playbooks.get(slug) != after.playbooks.get(slug)
    ]


def _fate(slug: str, before: Origin, after: Origin) -> str:
    if slug not in after.playbooks:
        return "is no longer used"
    return "changed" if slug in before.playbooks else "is new"


def _shown(value: str) -> str:
    return value or "none"
