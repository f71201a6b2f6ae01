"""Whether a model's answer can be used: JSON, the closed schema, the catalogue, and only evidence that exists. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from portal.kit.refusals import Refused
from remediation.connectors import catalogue
from remediation.drafting import schema
from remediation.drafting.protocol import DraftRequest

PROBLEMS_AT_MOST = 30
M = TypeVar("M", bound=BaseModel)


class Reply(schema.Closed):
    """What the model may answer: a draft, or questions to a person."""

    draft: schema.Draft | None
    needs_person: list[schema.Sentence] = Field(max_length=20)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.draft is None) == (not self.needs_person):
            raise ValueError("either a draft, or at least one question to a person")
        return self


class Unusable(Exception):
    """The answer cannot be used as it stands; every problem in one sentence each.

    `reply` is the answer all the same, where people can mend it: it is used if the model cannot.
    """

    def __init__(self, problems: list[str], reply: Reply | None = None) -> None:
        super().__init__("; ".join(problems))
        self.problems, self.reply = problems, reply


def reply_of(text: str, request: DraftRequest) -> Reply:
    """The checked answer; raises Unusable."""
    reply = parsed(Reply, text)
    if reply.draft and (problems := list(_problems(reply.draft, request))):
        raise Unusable(problems[:PROBLEMS_AT_MOST])
    return reply


def parsed(model: type[M], text: str) -> M:
    """The answer as what the schema says; raises Unusable."""
    try:
        return model.model_validate(json.loads(text))
    except json.JSONDecodeError as broken:
        raise Unusable([f"The answer is not JSON: {broken}."]) from None
    except RecursionError:
        raise Unusable(["The answer is nested too deeply."]) from None
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[:PROBLEMS_AT_MOST]
        raise Unusable([f"{_path(detail['loc'])}: {detail['msg']}." for detail in details]) from None


def citation_problems(facts: Iterable[schema.Fact], request: DraftRequest) -> Iterable[str]:
    """Facts that cite evidence which does not exist."""
    known = {piece.ref for piece in request.evidence}
    for number, fact in enumerate(facts):
        if unknown := sorted(set(fact.evidence) - known):
            yield f"facts.{number}: there is no evidence {', '.join(unknown)}."


def _problems(draft: schema.Draft, request: DraftRequest) -> Iterable[str]:
    yield from citation_problems(draft.facts, request)
    if draft.role is not None:
        yield "role: nobody asked for one here."
    for number, step in enumerate(draft.steps):
        if isinstance(step.action, schema.OperationAction):
            yield from (f"steps.{number}: {problem}" for problem in _operation_problems(step.action))
        if "[redacted:" in step.action.model_dump_json():
            yield f"steps.{number}: a redacted value cannot be used."


def _operation_problems(action: schema.OperationAction) -> Iterable[str]:
    try:
        catalogue.validated(action.operation, schema.parameters_of(action))
    except Refused as refused:
        yield from (reason.text for reason in refused.reasons)
    except ValueError as twice:
        yield f"{twice}."


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "answer"
