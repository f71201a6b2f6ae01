"""What the model is asked, steps or a role: the prompt, the closed schema, and how the answer is read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, Field, model_validator

from portal.kit.refusals import Refused
from remediation.drafting import checking, composing, mending, prompting, roles, schema
from remediation.drafting.checking import Reply, Unusable
from remediation.drafting.protocol import DraftRequest

REDACTED = "[redacted:"


class RoleDraft(schema.Closed):
    """A role as the model writes it; we compose steps, scope and everything else around it."""

    summary: schema.Sentence
    name: schema.RoleName
    symptom: schema.Sentence
    root_cause: schema.Sentence
    facts: list[schema.Fact] = Field(min_length=1, max_length=50)
    guesses: list[schema.Sentence] = Field(max_length=50)
    files: list[schema.RoleFile] = Field(min_length=3, max_length=60)
    hosts: list[schema.Name] = Field(min_length=1, max_length=30)
    paths: list[schema.Name] = Field(max_length=50)
    services: list[schema.Name] = Field(max_length=20)
    packages: list[schema.Name] = Field(max_length=20)
    out_of_scope: list[schema.Sentence] = Field(max_length=20)
    rollback_owner: schema.Name
    rollback_minutes: int = Field(ge=1, le=1_440)
    confidence_percent: int = Field(ge=0, le=100)


class RoleReply(schema.Closed):
    """What the model may answer where a role is wanted: a role, or questions to a person."""

    role: RoleDraft | None
    needs_person: list[schema.Sentence] = Field(max_length=20)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.role is None) == (not self.needs_person):
            raise ValueError("either a role, or at least one question to a person")
        return self


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of answer: the prompt by its name, the closed schema, and the function that reads what came."""

    prompt: str
    model: type[BaseModel]
    read: Callable[[str, DraftRequest], Reply]


def question_for(request: DraftRequest) -> Question:
    """What the model is asked for this ticket."""
    return ROLE if request.role else STEPS


def read_role(text: str, request: DraftRequest) -> Reply:
    """The checked answer as a whole draft; raises Unusable.

    A role that fits, but that rooms above find fault with, comes with the exception: the gates of the review say the
    same again, to people.
    """
    answer = checking.parsed(RoleReply, text)
    if answer.role is None:
        return Reply(draft=None, needs_person=answer.needs_person)
    written = answer.role
    if problems := [*checking.citation_problems(written.facts, request), *_problems(written, request)]:
        raise Unusable(problems[: checking.PROBLEMS_AT_MOST])
    part = _part(written)
    reply = Reply(draft=_whole(written, part, request), needs_person=[])
    if faults := mending.faults_of(part):
        raise Unusable(faults[: checking.PROBLEMS_AT_MOST], reply)
    return reply


def _problems(written: RoleDraft, request: DraftRequest) -> Iterator[str]:
    known = request.role_hosts
    for host in written.hosts:
        if host not in known:
            yield f"hosts: {host} takes no roles. Known: {', '.join(known) or 'none'}."
    paths = [file.path for file in written.files]
    yield from (f"files: {path} is there twice." for path in sorted({path for path in paths if paths.count(path) > 1}))
    yield from (f"files: a role has no {path}." for path in paths if not roles.FILE.fullmatch(path))
    yield from (f"files: {path} is missing." for path in roles.REQUIRED if path not in paths)
    for file in written.files:
        if REDACTED in file.text:
            yield f"{file.path}: a redacted value cannot be used."


def _part(written: RoleDraft) -> schema.RolePart:
    names = ("name", "symptom", "root_cause", "files", "paths", "services", "packages")
    return schema.RolePart(**{name: getattr(written, name) for name in names})


def _whole(written: RoleDraft, part: schema.RolePart, request: DraftRequest) -> schema.Draft:
    try:
        steps = roles.steps_for(part, list(dict.fromkeys(written.hosts)), source="the model's own reasoning")
    except Refused as refused:
        raise Unusable([reason.text for reason in refused.reasons]) from None
    return schema.Draft(
        summary=written.summary,
        hypothesis=written.root_cause,
        facts=written.facts,
        guesses=written.guesses,
        scope=composing.scope_of(steps, service=request.service, out_of_scope=written.out_of_scope),
        steps=steps,
        rollback_owner=written.rollback_owner,
        rollback_minutes=written.rollback_minutes,
        confidence_percent=written.confidence_percent,
        role=part,
    )


STEPS = Question(prompting.STEPS, Reply, checking.reply_of)
ROLE = Question(prompting.ROLE, RoleReply, read_role)
