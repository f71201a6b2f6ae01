"""What a plan says: the canonical content that people sign and workers run. Pure.

A draft names operations and parameters; a plan has them resolved: the probes, the call, the way back and the identity
of the target, exactly as the catalogue gave them at that moment. The engine runs what stands here and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from portal.kit import canonical
from portal.kit.plain import data_of
from remediation.connectors import catalogue, identities
from remediation.connectors.guards import GUARDS
from remediation.connectors.operations import Call, Expectation, Irreversible, Probe, Risk, WayBack
from remediation.drafting import roles, schema
from remediation.review import waves
from remediation.review.waves import Aim, Stages

VERSION = "countersign.plan/1"
STEP_VERSION = "countersign.step/1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target is reached; from the estate."""

    connector: str
    is_lab: bool
    environment: str


@dataclass(frozen=True, slots=True)
class OperationStep:
    """A step that workers can run; where its condition `only_if`, asked by `guard`, does not hold, they skip it."""

    number: int
    title: str
    operation: str
    parameters: Mapping[str, str | int | bool]
    target: str
    connector: str
    is_lab: bool
    risk: Risk
    says: str
    preflight: Probe
    stop_if: str
    call: Call
    verify: Probe
    way_back: WayBack | None
    irreversible: str
    blast_radius: str
    review: str
    kind: Literal["operation"] = "operation"
    only_if: str = ""
    guard: Probe | None = None


@dataclass(frozen=True, slots=True)
class CommandStep:
    """A step that people run: literal commands, copied from the page, their output pasted back."""

    number: int
    title: str
    system: str
    connector: str
    is_lab: bool
    preflight_command: str
    preflight_expects: str
    stop_if: str
    command: str
    verify_command: str
    verify_expects: str
    rollback_command: str
    rollback_says: str
    irreversible: str
    blast_radius: str
    review: str
    risk: Risk = Risk.CRITICAL_WRITE
    kind: Literal["command"] = "command"

    @property
    def target(self) -> str:
        """Commands name a host; its identity belongs to the hosts family."""
        return identities.host(self.system)

    @property
    def says(self) -> str:
        """What the step does, in one line."""
        return f"A person runs on {self.system}: {self.command}"


PlanStep = OperationStep | CommandStep


@dataclass(frozen=True, slots=True)
class Role:
    """The Ansible role that the steps apply: the digest of each file, its patch scope, and the host that proves it."""

    name: str
    digest: str
    files: Mapping[str, str]
    paths: tuple[str, ...]
    services: tuple[str, ...]
    packages: tuple[str, ...]
    canary: str


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What one gate said, and about exactly what."""

    gate: str
    ruleset: str
    has_passed: bool
    input_digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything a vote is about. Freshness is not in here: it is checked, not hashed.

    `proof` is the digest of the canary proof that a rollout of a role rests on.
    """

    stage: str
    ticket: str
    remediation: int
    revision: int
    draft_digest: str
    category: str
    environment: str
    severity: str
    risk: Risk
    needed: int
    needed_groups: tuple[int, ...]
    votes_last_minutes: int
    steps: tuple[PlanStep, ...]
    scope: Mapping[str, Any]
    evidence: tuple[tuple[str, str], ...]
    contradicted_by: tuple[str, ...]
    gates: tuple[GateVerdict, ...]
    limits: Mapping[str, Any]
    rollback_owner: str
    rollback_minutes: int
    makers: tuple[int, ...]
    merge_digest: str | None = None
    stages: Stages | None = None
    role: Role | None = None
    proof: str = ""

    @property
    def is_for_people(self) -> bool:
        """Whether a step is a command: then people run the plan in guided manual mode."""
        return any(step.kind == "command" for step in self.steps)

    @property
    def is_lab_only(self) -> bool:
        """Whether every step touches the lab and nothing else."""
        return all(step.is_lab for step in self.steps)


def compile_steps(draft: schema.Draft, places: Mapping[str, Place]) -> tuple[PlanStep, ...]:
    """The steps of a draft that has passed its gates, resolved against the catalogue; places by target identity."""
    return tuple(_compile(number, step, places) for number, step in enumerate(draft.steps, start=1))


def role_of(draft: schema.Draft, steps: Sequence[PlanStep]) -> Role | None:
    """The role of a draft as its plan names it; the first host that gets it is the canary."""
    part = draft.role
    if part is None:
        return None
    first = next(step for step in steps if isinstance(step, OperationStep) and step.operation == roles.OPERATION)
    return Role(
        name=part.name,
        digest=roles.part_digest(part),
        files={path: roles.file_digest(text) for path, text in sorted(roles.files_of(part).items())},
        paths=tuple(part.paths),
        services=tuple(part.services),
        packages=tuple(part.packages),
        canary=str(first.parameters["host"]),
    )


def role_in(step: PlanStep) -> str:
    """The digest of the role that a step applies; empty where it applies none."""
    if not isinstance(step, OperationStep) or step.operation != roles.OPERATION:
        return ""
    return str(step.parameters["role"])


def stand_in(step: OperationStep, parameters: Mapping[str, str | int | bool], connector: str) -> OperationStep:
    """The same operation with other parameters, on a target of the lab: what a rehearsal does instead."""
    operation = catalogue.get(step.operation)
    checked = catalogue.validated(step.operation, parameters)
    way_back = operation.way_back(checked)
    return replace(
        step,
        parameters=dict(parameters),
        target=operation.target(checked),
        connector=connector,
        is_lab=True,
        says=operation.says(checked),
        preflight=operation.preflight(checked),
        call=operation.action(checked),
        verify=operation.verify(checked),
        way_back=None if isinstance(way_back, Irreversible) else way_back,
        blast_radius=operation.blast_radius(checked),
        only_if="",
        guard=None,
    )


def step_text(step: OperationStep) -> str:
    """One step as canonical text, for what is kept of a rehearsal."""
    return canonical.text_of(data_of(step), version=STEP_VERSION)


def read_step(text: str) -> OperationStep:
    """The step behind such a text."""
    step = _read_step(canonical.parse(text, version=STEP_VERSION))
    if not isinstance(step, OperationStep):
        raise TypeError("a rehearsal has operations only")
    return step


def connectors_of(steps: Sequence[PlanStep]) -> list[str]:
    """The connectors that steps go through, commands of people included: a stop of one of them holds the plan."""
    return sorted({step.connector for step in steps})


def aims_of(steps: Sequence[PlanStep]) -> list[Aim]:
    """What the waves need to know of steps; commands are the same change where they are the same line."""
    return [
        Aim(step.number, step.target, step.operation if isinstance(step, OperationStep) else step.command)
        for step in steps
    ]


def risk_of(steps: Sequence[PlanStep]) -> Risk:
    """The worst risk of the steps."""
    order = list(Risk)
    return max((step.risk for step in steps), key=order.index, default=Risk.READ_ONLY)


def text_of(content: Content) -> str:
    """The canonical text that is signed."""
    return canonical.text_of(data_of(content), version=VERSION)


def read(text: str) -> Content:
    """The content behind a plan's text."""
    data = canonical.parse(text, version=VERSION)
    data["steps"] = tuple(_read_step(step) for step in data["steps"])
    data["gates"] = tuple(GateVerdict(**gate) for gate in data["gates"])
    data["evidence"] = tuple((ref, digest) for ref, digest in data["evidence"])
    data["contradicted_by"] = tuple(data["contradicted_by"])
    data["makers"] = tuple(data["makers"])
    data["needed_groups"] = tuple(data["needed_groups"])
    data["risk"] = Risk(data["risk"])
    data["stages"] = waves.read(data["stages"]) if data.get("stages") else None
    data["role"] = _read_role(data["role"]) if data.get("role") else None
    return Content(**data)


def _read_role(data: Mapping[str, Any]) -> Role:
    scope = {name: tuple(data[name]) for name in ("paths", "services", "packages")}
    return Role(**{**data, **scope})


def _compile(number: int, step: schema.Step, places: Mapping[str, Place]) -> PlanStep:
    if step.action.kind == "command":
        return _command(number, step, step.action, places[identities.host(step.action.system)])
    return _operation(number, step, step.action, places)


def _operation(
    number: int, step: schema.Step, action: schema.OperationAction, places: Mapping[str, Place]
) -> OperationStep:
    operation = catalogue.get(action.operation)
    values = schema.parameters_of(action)
    parameters = catalogue.validated(action.operation, values)
    way_back = operation.way_back(parameters)
    target = operation.target(parameters)
    place = places[target]
    return OperationStep(
        number=number,
        title=step.title,
        operation=operation.name,
        parameters=values,
        target=target,
        connector=place.connector,
        is_lab=place.is_lab,
        risk=catalogue.risk_of(operation.name, parameters),
        says=operation.says(parameters),
        preflight=operation.preflight(parameters),
        stop_if=step.preflight.stop_if,
        call=operation.action(parameters),
        verify=operation.verify(parameters),
        way_back=None if isinstance(way_back, Irreversible) else way_back,
        irreversible=way_back.reason if isinstance(way_back, Irreversible) else "",
        blast_radius=operation.blast_radius(parameters),
        review=step.review or "",
        only_if=step.only_if or "",
        guard=GUARDS[step.only_if](target) if step.only_if else None,
    )


def _command(number: int, step: schema.Step, action: schema.CommandAction, place: Place) -> CommandStep:
    is_final = step.rollback.kind == "irreversible"
    return CommandStep(
        number=number,
        title=step.title,
        system=action.system,
        connector=place.connector,
        is_lab=place.is_lab,
        preflight_command=step.preflight.command or "",
        preflight_expects=step.preflight.expects,
        stop_if=step.preflight.stop_if,
        command=action.command,
        verify_command=step.verify.command or "",
        verify_expects=step.verify.expects,
        rollback_command=step.rollback.command or "",
        rollback_says=step.rollback.says,
        irreversible=step.rollback.says if is_final else "",
        blast_radius=step.blast_radius,
        review=step.review or "",
    )


def _read_step(data: Mapping[str, Any]) -> PlanStep:
    values = dict(data) | {"risk": Risk(data["risk"])}
    if values["kind"] == "command":
        return CommandStep(**values)
    values["preflight"] = _read_probe(values["preflight"])
    values["guard"] = _read_probe(values["guard"]) if values.get("guard") else None
    values["verify"] = _read_probe(values["verify"])
    values["call"] = Call(**values["call"])
    if values["way_back"] is not None:
        back = values["way_back"]
        values["way_back"] = WayBack(Call(**back["call"]), _read_probe(back["verify"]), back["says"])
    return OperationStep(**values)


def _read_probe(data: Mapping[str, Any]) -> Probe:
    expectations = tuple(Expectation(**each) for each in data["expect"])
    return Probe(data["tool"], data["arguments"], expectations, data["says"])
