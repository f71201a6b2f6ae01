"""The closed schema of a draft: what a drafter, a reviewer's edit and the API may say, and nothing else. Pure.

A draft is data until it fits this schema; after that the gates of `remediation.review` judge it. Claims about safety
in it are shown and never trusted (law 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from portal.kit import canonical

VERSION = "countersign.draft/1"

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
CommandLine = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_096)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
EvidenceRef = Annotated[str, StringConstraints(pattern=r"^E[1-9][0-9]{0,4}$")]


class Closed(BaseModel):
    """Unknown fields are refused; values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Fact(Closed):
    """Something the evidence shows; every fact cites the evidence it was read from."""

    text: Sentence
    evidence: list[EvidenceRef] = Field(min_length=1, max_length=20)


class Scope(Closed):
    """The written patch scope; a step outside it is refused mechanically.

    `systems` are target identities for operations and host names for commands; `allowed_changes` are names of
    operations, or `command`.
    """

    service: Name | None
    systems: list[Name] = Field(min_length=1, max_length=50)
    allowed_changes: list[Name] = Field(min_length=1, max_length=20)
    out_of_scope: list[Sentence] = Field(max_length=20)


class Parameter(Closed):
    """One typed parameter of an operation."""

    name: Name
    value: str | int | bool


class OperationAction(Closed):
    """A step of the operation catalogue; its probes and its way back come from the catalogue."""

    kind: Literal["operation"]
    operation: Name
    parameters: list[Parameter] = Field(max_length=20)


class CommandAction(Closed):
    """A literal command on one system, run by a person: copied from the page, output pasted back."""

    kind: Literal["command"]
    system: Name
    command: CommandLine


class Check(Closed):
    """A read-only look before or after the action. Operations leave `command` empty: the catalogue has the probe."""

    expects: Sentence
    command: CommandLine | None


class Preflight(Check):
    """A look before the action, and when to stop."""

    stop_if: Sentence


class Rollback(Closed):
    """The way back: the operation's own from the catalogue, the given command, or none (critical, with the reason)."""

    kind: Literal["catalogue", "command", "irreversible"]
    says: Sentence
    command: CommandLine | None


class Step(Closed):
    """One guarded step: look, act, look again, and the way back.

    `only_if` names a condition of the catalogue for an operation's target; where it does not hold, the step is skipped.
    """

    title: Sentence
    only_if: Name | None = None
    preflight: Preflight
    action: Annotated[OperationAction | CommandAction, Field(discriminator="kind")]
    blast_radius: Sentence
    verify: Check
    rollback: Rollback
    review: Sentence | None
    source: Sentence


class RoleFile(Closed):
    """One file of an Ansible role: where it stands inside the role, and its whole text."""

    path: Name
    text: str = Field(max_length=200_000)


class RolePart(Closed):
    """An Ansible role that the draft brings: its files, and its own patch scope.

    The files are tasks, handlers, defaults, templates and meta; `tasks/backout.yml` is the way back, `tasks/verify.yml`
    looks whether it worked. Play, inventory and limits are never the drafter's to write. `paths`, `services` and
    `packages` are all that the tasks may touch.
    """

    name: RoleName
    root_cause: Sentence
    symptom: Sentence
    files: list[RoleFile] = Field(min_length=1, max_length=60)
    paths: list[Name] = Field(max_length=50)
    services: list[Name] = Field(max_length=20)
    packages: list[Name] = Field(max_length=20)


class Draft(Closed):
    """A whole draft; one with a role has a step `apply_role` for every host that gets it."""

    summary: Sentence
    hypothesis: Sentence
    facts: list[Fact] = Field(min_length=1, max_length=50)
    guesses: list[Sentence] = Field(max_length=50)
    scope: Scope
    steps: list[Step] = Field(min_length=1, max_length=30)
    rollback_owner: Name
    rollback_minutes: int = Field(ge=1, le=1_440)
    confidence_percent: int = Field(ge=0, le=100)
    role: RolePart | None = None


def parse(data: Mapping[str, Any]) -> Draft:
    """The draft behind plain JSON data; raises pydantic.ValidationError naming every field that does not fit."""
    return Draft.model_validate(dict(data))


def text_of(draft: Draft) -> str:
    """Canonical text of a draft: what a revision stores and what its digest covers."""
    return canonical.text_of(draft.model_dump(mode="json"), version=VERSION)


def from_text(text: str) -> Draft:
    """The draft behind a revision's text."""
    return parse(canonical.parse(text, version=VERSION))


def parameters_of(action: OperationAction) -> dict[str, str | int | bool]:
    """The parameters of an operation as a mapping; a later value of the same name never wins silently."""
    values: dict[str, str | int | bool] = {}
    for parameter in action.parameters:
        if parameter.name in values:
            raise ValueError(f"parameter {parameter.name} is given twice")
        values[parameter.name] = parameter.value
    return values
