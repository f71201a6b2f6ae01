"""What a runbook may say: Markdown for people under a closed front matter for the drafter. Pure.

A runbook states which wordings it answers, which signs the evidence must show, how its parameters are read from a
ticket, and its guarded steps. Placeholders are `{name}` in text and commands, `{{name}}` in patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal

import re2
import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag, model_validator

from remediation.connectors.operations import Family
from remediation.knowledge.words import stems

PLACEHOLDER = re.compile(r"\{([a-z][a-z_]*)\}")
IN_PATTERN = re.compile(r"\{\{([a-z][a-z_]*)\}\}")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,60}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,40}$")]
ValueType = Literal["name", "path", "integer"]
Kind = Literal[
    "title", "description", "systems", "alert", "log", "metric", "command", "deploy", "config", "timeline", "note"
]


class NotARunbook(ValueError):
    """The text does not fit the schema of a runbook; the message says where."""


class Closed(BaseModel):
    """Unknown keys are refused: a typo in a runbook must not pass silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Find(Closed):
    """One way to read a value: an RE2 pattern with one group, over some kinds of text (`kinds` empty: over all).

    `is_wish` marks what people ask for in prose: it does not count after a negation or a "may".
    """

    name: Text
    kinds: list[Kind] = []
    pattern: Text
    is_wish: bool = False

    @cached_property
    def leans_on(self) -> frozenset[str]:
        """The parameters whose values stand in the pattern."""
        return frozenset(IN_PATTERN.findall(self.pattern))

    @model_validator(mode="after")
    def _has_one_group(self) -> Find:
        if compiled(self.pattern, {}).groups != 1:
            raise ValueError(f"pattern {self.name!r} needs exactly one group")
        return self


class Sign(Closed):
    """Something the evidence must show before the runbook applies at all."""

    says: Text
    kinds: list[Kind] = []
    pattern: Text

    @model_validator(mode="after")
    def _compiles(self) -> Sign:
        compiled(self.pattern, {})
        return self


class Parameter(Closed):
    """One value the steps need; `known` also accepts systems of that family that the ticket mentions.

    A number below `at_least` is not filled in: whether that is meant is for a person to say.
    """

    name: Identifier
    says: Text
    type: ValueType
    find: list[Find] = []
    known: Family | None = Field(default=None, strict=False)
    at_least: int | None = None
    is_optional: bool = False
    is_many: bool = False

    @model_validator(mode="after")
    def _bounds_numbers_only(self) -> Parameter:
        if self.at_least is not None and self.type != "integer":
            raise ValueError(f"{self.name}: only an integer is at least something")
        return self


class OperationStep(Closed):
    """A step of the operation catalogue; each parameter is a placeholder or a literal of the runbook."""

    operation: Identifier
    parameters: dict[Identifier, str | int | bool]
    when: Identifier | None = None
    review: Text | None = None


class Look(Closed):
    """A read-only command and what it must show."""

    command: Text
    expects: Text


class LookFirst(Look):
    """A look before the action, and when to stop."""

    stop_if: Text


class Back(Closed):
    """The way back of a command step: a command, or (without one) the reason why there is none."""

    says: Text
    command: Text | None = None


class CommandStep(Closed):
    """A literal command that a person runs on one system, between two looks; a reviewer confirms `review` first."""

    title: Text
    system: Identifier
    preflight: LookFirst
    command: Text
    blast_radius: Text
    verify: Look
    rollback: Back
    review: Text
    when: Identifier | None = None


class RoleUse(Closed):
    """The Ansible role that makes the fix last: which hosts get it, what it may touch, which of its defaults are read.

    `defaults` are variables of the role by name, their values with placeholders. What the evidence does not say stays
    as the role has it.
    """

    name: Identifier
    hosts: Identifier
    symptom: Text
    root_cause: Text
    parameters: list[Parameter] = []
    defaults: dict[Identifier, Text] = {}
    paths: list[Text] = Field(min_length=1)
    services: list[Text] = []
    packages: list[Text] = []

    @model_validator(mode="after")
    def _asks_for_no_more_than_it_needs(self) -> RoleUse:
        used = {name for value in self.defaults.values() for name in PLACEHOLDER.findall(value)}
        if idle := sorted(parameter.name for parameter in self.parameters if parameter.name not in used):
            raise ValueError(f"no default of the role takes: {', '.join(idle)}")
        if any(parameter.is_many for parameter in self.parameters):
            raise ValueError("a default of the role has one value")
        return self


def _kind_of_step(step: Any) -> str:
    if isinstance(step, OperationStep) or (isinstance(step, dict) and "operation" in step):
        return "operation"
    return "command"


ProcedureStep = Annotated[
    Annotated[OperationStep, Tag("operation")] | Annotated[CommandStep, Tag("command")], Discriminator(_kind_of_step)
]


class FrontMatter(Closed):
    """Everything of a runbook that the drafter uses."""

    slug: Slug
    title: Text
    version: int = Field(ge=1)
    category: Slug
    hypothesis: Text
    symptoms: list[Text] = Field(min_length=3)
    signs: list[Sign] = Field(min_length=1)
    parameters: list[Parameter] = Field(min_length=1)
    steps: list[ProcedureStep] = Field(min_length=1)
    role: RoleUse | None = None
    out_of_scope: list[Text] = Field(min_length=1)
    rollback_owner: Text
    rollback_minutes: int = Field(ge=1, le=1_440)

    @cached_property
    def symptom_stems(self) -> list[frozenset[str]]:
        """The words of each symptom that carry meaning."""
        return [stems(symptom) for symptom in self.symptoms]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The words of the title and of all symptoms that carry meaning."""
        return stems(self.title).union(*self.symptom_stems)

    @property
    def for_role(self) -> FrontMatter:
        """The same, with what only the role has to know."""
        more = self.role.parameters if self.role else []
        return self.model_copy(update={"parameters": [*self.parameters, *more]})

    @model_validator(mode="after")
    def _speaks_of_its_own_parameters_only(self) -> FrontMatter:
        own = self.for_role.parameters
        known = {parameter.name for parameter in own}
        if len(known) != len(own):
            raise ValueError("two parameters have the same name")
        if sum(parameter.is_many for parameter in self.parameters) > 1:
            raise ValueError("only one parameter can have several values")
        if any(parameter.is_many and parameter.is_optional for parameter in self.parameters):
            raise ValueError("a parameter with several values is not optional")
        if unknown := sorted(set(self._names_used()) - known):
            raise ValueError(f"unknown parameters: {', '.join(unknown)}")
        return self

    def _names_used(self) -> Iterable[str]:
        yield from PLACEHOLDER.findall(self.hypothesis)
        if self.role:
            yield self.role.hosts
            for text in (self.role.symptom, self.role.root_cause, *self.role.defaults.values()):
                yield from PLACEHOLDER.findall(text)
        for parameter in self.for_role.parameters:
            for find in parameter.find:
                yield from IN_PATTERN.findall(find.pattern)
        for step in self.steps:
            yield from PLACEHOLDER.findall(str(step.model_dump(mode="json")))
            yield from filter(None, [step.when, step.system if isinstance(step, CommandStep) else None])


class Procedure(Closed):
    """A parsed runbook: its front matter, its prose, and the files of the role that it brings."""

    front: FrontMatter
    body: str
    role_files: dict[str, str] = {}

    @property
    def prose(self) -> str:
        """The body without its first heading, which repeats the title."""
        return self.body.lstrip().partition("\n")[2] if self.body.lstrip().startswith("# ") else self.body


def parse(text: str) -> Procedure:
    """The runbook behind a Markdown text; raises NotARunbook."""
    head, matter, body = ([*text.split("---\n", 2), "", ""])[:3]
    if head.strip() or not body.strip():
        raise NotARunbook("a runbook is front matter between two lines of ---, then prose")
    try:
        return Procedure(front=FrontMatter.model_validate(yaml.safe_load(matter)), body=body)
    except (yaml.YAMLError, ValueError) as broken:
        raise NotARunbook(str(broken)) from broken


def compiled(pattern: str, values: dict[str, str]) -> Any:
    """The RE2 pattern with the values found so far put in literally; lines end at `$`, case does not matter."""
    return _compiled(IN_PATTERN.sub(lambda name: re2.escape(values.get(name[1], "\x00")), pattern))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    """Compiled once as long as it is in use: most patterns have nothing of a ticket in them."""
    try:
        return re2.compile(f"(?im){pattern}")
    except re2.error as broken:
        raise ValueError(f"pattern {pattern!r}: {broken}") from broken
