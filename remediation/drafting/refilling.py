"""Draws up a signed remediation of the same pattern again, with every value read anew from the new ticket. Pure.

Only the order of operations is taken over. How a value is read is what the runbook library says about the same
parameter of the same operation; commands are never taken over, since nothing says which of their words were values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from portal.kit.refusals import Refused
from remediation.drafting import composing, roles, schema
from remediation.drafting.protocol import DraftRequest, PastRemediation
from remediation.knowledge.extraction import Found, fill, shown
from remediation.knowledge.procedures import PLACEHOLDER, FrontMatter, OperationStep, Parameter, Procedure

ALIKE_FROM = 60  # percent


def from_past(request: DraftRequest) -> schema.Draft | None:
    """The first of the past remediations, the most alike first, that the new evidence fills completely; else None."""
    worth = [past for past in request.past if past.is_success and past.similarity_percent >= ALIKE_FROM]
    for past in sorted(worth, key=lambda each: -each.similarity_percent):
        try:
            draft = _again(request, past)
        except Refused:
            continue  # the runbooks are asked next, and they name what is missing
        if draft is not None:
            return draft
    return None


def role_from_past(request: DraftRequest) -> schema.Draft | None:
    """A role that was signed and helped before, as it stands, on the hosts that the evidence names."""
    worth = [past for past in request.past if past.is_success and past.similarity_percent >= ALIKE_FROM]
    brought = [(past, past.draft.role) for past in worth if past.draft.role]
    hosts = _named_hosts(request)
    if not brought or not hosts:
        return None
    past, part = max(brought, key=lambda each: each[0].similarity_percent)
    where = ", ".join(f"{host} from {found.where}" for host, found in hosts.items())
    steps = roles.steps_for(part, list(hosts), source=f"signed role of {past.ticket_key}, {where}")
    draft = _draft(request, past, steps, {f"host {host}": found for host, found in hosts.items()})
    return draft.model_copy(update={"role": part})


def _named_hosts(request: DraftRequest) -> dict[str, Found]:
    """The hosts that take roles, each with the evidence that names it."""
    found: dict[str, Found] = {}
    for host in request.role_hosts:
        named = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)")
        sources = tuple(passage for passage in request.passages() if passage.ref and named.search(passage.text))
        if sources:
            found[host] = Found(host, host, sources, host)
    return found


def _again(request: DraftRequest, past: PastRemediation) -> schema.Draft | None:
    steps: list[schema.Step] = []
    read: dict[str, Found] = {}
    for old in past.draft.steps:
        if not isinstance(old.action, schema.OperationAction):
            return None
        values = _values(request, old.action)
        if values is None or not all(found.refs for found in values.values()):
            return None
        where = ", ".join(f"{name} from {found.where}" for name, found in values.items())
        source = f"signed remediation of {past.ticket_key}, {where}"
        given = {name: found.value for name, found in values.items()}
        step = composing.operation(old.action.operation, given, source=source, review=old.review)
        if step in steps:
            return None  # what told two steps of the same kind apart is not something that can be read again
        steps.append(step)
        read |= values
    return _draft(request, past, steps, read)


def _draft(
    request: DraftRequest, past: PastRemediation, steps: list[schema.Step], read: dict[str, Found]
) -> schema.Draft:
    return schema.Draft(
        summary=f"The same fix as for {past.ticket_key} ({past.outcome}), with the values of this ticket.",
        hypothesis=f"The cause is that of {past.ticket_key}: “{past.title}”.",
        facts=[
            schema.Fact(text=f"{name} is {found.text}: “{found.quote}”", evidence=list(found.refs[:20]))
            for name, found in read.items()
        ],
        guesses=[f"That the cause is the same rests on wording alone ({past.similarity_percent}% alike)."],
        scope=composing.scope_of(steps, service=request.service, out_of_scope=list(past.draft.scope.out_of_scope)),
        steps=steps,
        rollback_owner=past.draft.rollback_owner,
        rollback_minutes=past.draft.rollback_minutes,
        confidence_percent=past.similarity_percent,
    )


def _values(request: DraftRequest, action: schema.OperationAction) -> dict[str, Found] | None:
    """One value per parameter of the operation, or None if the library cannot read it from this ticket."""
    passages = request.passages()
    for front, step in _steps_with(action.operation, request.procedures):
        if not all(shown(sign, passages) for sign in front.signs):
            continue
        filled = fill(front, passages, request.targets)
        by_name = {name: _parameter(front, value) for name, value in step.parameters.items()}
        found = {
            name: filled.values[parameter.name][0]
            for name, parameter in by_name.items()
            if parameter and parameter.name in filled.values
        }
        if set(found) == set(step.parameters):
            return found
    return None


def _steps_with(operation: str, procedures: Sequence[Procedure]) -> list[tuple[FrontMatter, OperationStep]]:
    return [
        (procedure.front, step)
        for procedure in procedures
        for step in procedure.front.steps
        if isinstance(step, OperationStep) and step.operation == operation
    ]


def _parameter(front: FrontMatter, value: composing.Value) -> Parameter | None:
    name = PLACEHOLDER.fullmatch(str(value))
    return next((parameter for parameter in front.parameters if name and parameter.name == name[1]), None)
