"""Composes guarded steps from a runbook or a signed draft and the values read for them. Pure.

Texts about operations come from the catalogue, so that they speak of the new values; commands come from runbooks only.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from portal.kit.refusals import Refused, because
from remediation.connectors import catalogue
from remediation.connectors.operations import Irreversible
from remediation.drafting import schema
from remediation.knowledge.extraction import Filled, Found
from remediation.knowledge.procedures import PLACEHOLDER, CommandStep, FrontMatter, OperationStep

Value = str | int | bool
STEPS_AT_MOST = 30


def steps_of(front: FrontMatter, filled: Filled) -> list[schema.Step]:
    """The runbook's steps in order, once per value where a parameter has several; raises Refused."""
    steps = [
        _operation_step(step, front, values) if isinstance(step, OperationStep) else _command_step(step, front, values)
        for values in _rounds(front, filled)
        for step in front.steps
        if step.when is None or step.when in values
    ]
    if not 1 <= len(steps) <= STEPS_AT_MOST:
        text = f"The runbook {front.slug} would make {len(steps)} steps; a draft has 1 to {STEPS_AT_MOST}."
        raise Refused(because("wrong_length", text))
    return steps


def operation(name: str, values: Mapping[str, Value], *, source: str, review: str | None) -> schema.Step:
    """One step of the catalogue with validated values; raises Refused with the catalogue's reasons."""
    parameters = catalogue.validated(name, values)
    entry = catalogue.get(name)
    back = entry.way_back(parameters)
    is_irreversible = isinstance(back, Irreversible)
    says = back.reason if isinstance(back, Irreversible) else back.says
    preflight = entry.preflight(parameters)
    return schema.Step(
        title=entry.says(parameters),
        preflight=schema.Preflight(expects=preflight.says, command=None, stop_if=entry.stop_rule),
        action=schema.OperationAction(
            kind="operation",
            operation=name,
            parameters=[schema.Parameter(name=key, value=value) for key, value in values.items()],
        ),
        blast_radius=entry.blast_radius(parameters),
        verify=schema.Check(expects=entry.verify(parameters).says, command=None),
        rollback=schema.Rollback(kind="irreversible" if is_irreversible else "catalogue", says=says, command=None),
        review=review or (says if is_irreversible else None),
        source=source,
    )


def scope_of(steps: Iterable[schema.Step], *, service: str | None, out_of_scope: list[str]) -> schema.Scope:
    """Exactly the systems and changes that the steps touch."""
    systems: dict[str, None] = {}
    changes: dict[str, None] = {}
    for step in steps:
        if isinstance(step.action, schema.CommandAction):
            systems[step.action.system] = changes["command"] = None
        else:
            name = step.action.operation
            parameters = catalogue.validated(name, schema.parameters_of(step.action))
            systems[catalogue.get(name).target(parameters)] = changes[name] = None
    return schema.Scope(
        service=service, systems=list(systems), allowed_changes=list(changes), out_of_scope=out_of_scope
    )


def filled_in(text: str, values: Mapping[str, Sequence[Found]]) -> str:
    """The text with its placeholders replaced; several values stand in a row."""
    return PLACEHOLDER.sub(lambda name: ", ".join(found.text for found in values[name[1]]), text)


def _rounds(front: FrontMatter, filled: Filled) -> Iterable[dict[str, Found]]:
    """One set of values per host: the steps on one host come to their end before the next host's begin."""
    many = next((parameter.name for parameter in front.parameters if parameter.is_many), None)
    single = {name: found[0] for name, found in filled.values.items()}
    return [single | {many: each} for each in filled.values[many]] if many else [single]


def _operation_step(step: OperationStep, front: FrontMatter, values: dict[str, Found]) -> schema.Step:
    given: dict[str, Value] = {}
    for name, value in step.parameters.items():
        placeholder = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
        given[name] = values[placeholder[1]].value if placeholder else value
    used = [name for value in step.parameters.values() for name in PLACEHOLDER.findall(str(value))]
    return operation(step.operation, given, source=_source(front, used, values), review=step.review)


def _command_step(step: CommandStep, front: FrontMatter, values: dict[str, Found]) -> schema.Step:
    def say(text: str) -> str:
        return filled_in(text, {name: (found,) for name, found in values.items()})

    back = step.rollback
    used = [step.system, *PLACEHOLDER.findall(f"{step.preflight.command} {step.command} {back.command}")]
    return schema.Step(
        title=say(step.title),
        preflight=schema.Preflight(
            expects=say(step.preflight.expects),
            command=_command(step.preflight.command, values),
            stop_if=say(step.preflight.stop_if),
        ),
        action=schema.CommandAction(
            kind="command", system=values[step.system].text, command=_command(step.command, values)
        ),
        blast_radius=say(step.blast_radius),
        verify=schema.Check(expects=say(step.verify.expects), command=_command(step.verify.command, values)),
        rollback=schema.Rollback(
            kind="command" if back.command else "irreversible",
            says=say(back.says),
            command=_command(back.command, values) if back.command else None,
        ),
        review=say(step.review),
        source=_source(front, used, values),
    )


def _command(text: str, values: Mapping[str, Found]) -> str:
    return PLACEHOLDER.sub(lambda name: shlex.quote(values[name[1]].text), text)


def _source(front: FrontMatter, names: Iterable[str], values: Mapping[str, Found]) -> str:
    read = [f"{name} from {values[name].where}" for name in dict.fromkeys(names)]
    return ", ".join([f"runbook {front.slug} v{front.version}", *read])
