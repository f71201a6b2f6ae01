"""A senior's questions about a role: what it may touch, what is kept for how long, who else manages this.

Answered from the role itself and from what is known of the role repository; nothing of it is the model's word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from remediation.drafting import roles, schema
from remediation.playbooks.repository import reading
from remediation.playbooks.repository.reading import Manager
from remediation.review import marks

DEFAULTS = marks.DEFAULTS
_KEEPS = re.compile(
    r"retention|retain|keep|rotate|max_?age|_days|_weeks|_hours|expire|purge|quarantine|max_?size|_max\b"
)
_AGES = re.compile(r"^\s*(?:-\s+)?(?P<name>age|maxage|rotate|SystemMaxUse|MaxRetentionSec)\s*[:=\s]\s*(?P<value>\S.*)$")


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that decides what is kept and for how long, and where it stands."""

    name: str
    value: str
    file: str
    line: int

    @property
    def place(self) -> str:
        """As people read it."""
        return f"{self.file} line {self.line}"


@dataclass(frozen=True, slots=True)
class Answers:
    """The questions with their answers."""

    hosts: Sequence[str]
    paths: Sequence[str]
    services: Sequence[str]
    packages: Sequence[str]
    kept: Sequence[Kept]
    managers: Sequence[Manager]
    looked_at: datetime | None
    trouble: str


def of(draft: schema.Draft, part: schema.RolePart) -> Answers:
    """The answers; those about other roles are as fresh as the last look at the role repository."""
    known = reading.known()
    return Answers(
        hosts=[str(host) for host in _hosts(draft.steps)],
        paths=part.paths,
        services=part.services,
        packages=part.packages,
        kept=list(kept_in({file.path: file.text for file in part.files})),
        managers=_managers(part),
        looked_at=known.looked_at if known else None,
        trouble=known.says if known else "",
    )


def kept_in(files: Mapping[str, str]) -> Iterator[Kept]:
    """The values that decide about ages and sizes: defaults by their names, settings by what they set. Pure."""
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), start=1):
            name, _, value = line.partition(":")
            if path == DEFAULTS and _KEEPS.search(name) and value.strip():
                yield Kept(name.strip(), value.strip(), path, number)
            elif path != DEFAULTS and (match := _AGES.match(line)):
                yield Kept(match["name"], match["value"].strip(), path, number)


def _hosts(steps: Iterable[schema.Step]) -> Iterator[object]:
    for step in steps:
        if isinstance(step.action, schema.OperationAction) and roles.is_applying(step):
            yield from (each.value for each in step.action.parameters if each.name == "host")


def _managers(part: schema.RolePart) -> list[Manager]:
    """Other roles that manage what this one may touch."""
    return [
        *reading.managers_of(part.paths, but=part.name),
        *reading.managers_of_services(part.services, but=part.name),
        *reading.managers_of_packages(part.packages, but=part.name),
    ]
