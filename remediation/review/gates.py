"""The static gates: what a draft must satisfy before any person is asked. Pure; findings name their place and the mend.

A gate looks at the draft and at plain facts about the estate. Its result is kept with the digest of exactly what it
looked at, so that a plan can say which verdict about which input it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from portal.kit import canonical, redaction
from portal.kit.refusals import Refused
from remediation.connectors import catalogue
from remediation.connectors.guards import GUARDS
from remediation.connectors.operations import Irreversible
from remediation.drafting import roles, schema
from remediation.playbooks import gate
from remediation.policy.forbidden import forbidden_in
from remediation.review import sequence
from remediation.review.plans import Place

RULESET = "2026-11"
ALWAYS_FORBIDDEN = (
    "rm -rf /*",
    "mkfs*",
    "dd of=/dev/*",
    "shutdown",
    "reboot",
    "halt",
    "poweroff",
    "wipefs",
    "userdel",
    "iptables -F",
)
"""Commands that no policy can allow: they take a machine or its data away, and have operations of their own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, and how to mend it."""

    place: str
    text: str
    mend: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the gates know of the world: known targets, evidence of the ticket, the policy's forbidden commands.

    `players` are the connectors that play Ansible roles.
    """

    places: Mapping[str, Place]
    evidence: frozenset[str]
    forbidden: tuple[str, ...]
    players: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What one gate says about one draft; one that runs a program keeps what that said, and how long it took."""

    gate: str
    findings: tuple[Finding, ...]
    input_digest: str
    ruleset: str = RULESET
    log: str = ""
    took_ms: int | None = None

    @property
    def has_passed(self) -> bool:
        """No finding."""
        return not self.findings


Rule = Callable[[schema.Draft, Surroundings], Iterator[Finding]]


def check(draft: schema.Draft, around: Surroundings) -> list[Report]:
    """Every gate's report, in the order people read them."""
    digest = _input_digest(draft, around)
    return [Report(name, tuple(rule(draft, around)), digest) for name, rule in GATES.items()]


def _input_digest(draft: schema.Draft, around: Surroundings) -> str:
    data = {
        "draft": canonical.digest_of(schema.text_of(draft)),
        "places": {name: [place.connector, place.is_lab, place.environment] for name, place in around.places.items()},
        "evidence": sorted(around.evidence & {ref for fact in draft.facts for ref in fact.evidence}),
        "forbidden": sorted(around.forbidden),
        "players": sorted(around.players),
    }
    return canonical.digest_of(canonical.text_of(data, version="countersign.gate-input/1"))


def _catalogue(draft: schema.Draft, around: Surroundings) -> Iterator[Finding]:
    """Operations exist, their parameters fit, their targets are known, and each step finds what those before leave."""
    for place, step in _steps(draft):
        if step.action.kind == "command":
            if f"hosts:{step.action.system}" not in around.places:
                mend = "Add the host to the estate, or name one that is there."
                yield Finding(f"{place}.action", f"The host {step.action.system} is not in the estate.", mend)
            continue
        target, findings = _target(place, step.action)
        yield from findings
        if step.only_if and step.only_if not in GUARDS:
            mend = f"Name one of these, or none: {', '.join(GUARDS)}."
            yield Finding(f"{place}.only_if", f"The catalogue knows no condition {step.only_if}.", mend)
        if target and target not in around.places:
            mend = "Add the target to the estate, or name one that is there."
            yield Finding(f"{place}.action", f"The target {target} is not in the estate.", mend)
    for number, text in sequence.breaks(draft):
        yield Finding(f"steps[{number}].action", text, "Begin where the step before ends, or change the order.")


def _target(place: str, action: schema.OperationAction) -> tuple[str, list[Finding]]:
    """Identity of the target, or why there is none."""
    mend = "Correct the parameters; the catalogue lists them."
    try:
        operation = catalogue.get(action.operation)
        parameters = catalogue.validated(action.operation, schema.parameters_of(action))
    except (Refused, ValueError) as error:
        reasons = [reason.text for reason in error.reasons] if isinstance(error, Refused) else [str(error)]
        return "", [Finding(f"{place}.action", text, mend) for text in reasons]
    return operation.target(parameters), []


def _scope(draft: schema.Draft, _around: Surroundings) -> Iterator[Finding]:
    """Every step stays inside the written patch scope."""
    for place, step in _steps(draft):
        change = "command" if step.action.kind == "command" else step.action.operation
        system = step.action.system if step.action.kind == "command" else _target(place, step.action)[0]
        if change not in draft.scope.allowed_changes:
            mend = "Cut the step, or widen scope.allowed_changes."
            yield Finding(f"{place}.action", f"{change} is not among the allowed changes of the scope.", mend)
        if system and system not in draft.scope.systems:
            mend = "Cut the step, or add the system to scope.systems."
            yield Finding(f"{place}.action", f"{system} is not among the systems of the scope.", mend)


def _guards(draft: schema.Draft, _around: Surroundings) -> Iterator[Finding]:
    """Commands carry their own looks and way back; operations use the catalogue's, and nothing beside them."""
    for place, step in _steps(draft):
        if step.action.kind == "command":
            yield from _command_guards(place, step)
        elif step.preflight.command or step.verify.command or step.rollback.kind == "command":
            mend = "Leave the commands empty and set rollback.kind to catalogue or irreversible."
            yield Finding(place, "An operation is checked and undone by the catalogue, not by commands.", mend)


def _command_guards(place: str, step: schema.Step) -> Iterator[Finding]:
    if step.only_if:
        mend = "Write it into the pre-flight, and set only_if to null."
        yield Finding(f"{place}.only_if", "People look before they run a command; it has no condition.", mend)
    if not step.preflight.command:
        yield Finding(f"{place}.preflight", "A command needs a read-only pre-flight command.", "Add one.")
    if not step.verify.command:
        yield Finding(f"{place}.verify", "A command needs a read-only verify command.", "Add one.")
    if step.rollback.kind == "catalogue" or (step.rollback.kind == "command" and not step.rollback.command):
        mend = "Give a rollback command, or call the step irreversible and say why."
        yield Finding(f"{place}.rollback", "A command has no way back.", mend)
    for name, text in _commands_of(step):
        if any(ord(character) < 32 for character in text):  # noqa: PLR2004 - control characters
            yield Finding(
                f"{place}.{name}", "A command is one literal line.", "Remove line breaks and control characters."
            )


def _way_back(draft: schema.Draft, _around: Surroundings) -> Iterator[Finding]:
    """No write without a way back; what cannot be undone says so and carries a REVIEW note (law 8)."""
    for place, step in _steps(draft):
        is_final = step.rollback.kind == "irreversible"
        if step.action.kind == "operation":
            by_catalogue = _is_irreversible(place, step.action)
            if by_catalogue is not None and by_catalogue != is_final:
                kind = "irreversible" if by_catalogue else "catalogue"
                text = (
                    f"The catalogue says that {step.action.operation} is {'' if by_catalogue else 'not '}irreversible."
                )
                yield Finding(f"{place}.rollback", text, f"Set rollback.kind to {kind}.")
        needs_review = is_final or step.action.kind == "command"
        if needs_review and not step.review:
            mend = "Say in review what the reviewer must look at."
            yield Finding(f"{place}.review", "A destructive step needs a REVIEW note.", mend)


def _is_irreversible(place: str, action: schema.OperationAction) -> bool | None:
    if _target(place, action)[1]:
        return None
    operation = catalogue.get(action.operation)
    parameters = catalogue.validated(action.operation, schema.parameters_of(action))
    return isinstance(operation.way_back(parameters), Irreversible)


def _forbidden(draft: schema.Draft, around: Surroundings) -> Iterator[Finding]:
    """No command, look or rollback does what is forbidden, by the product or by the policy."""
    for place, step in _steps(draft):
        for name, text in _commands_of(step):
            for _, entry in forbidden_in([text], [*ALWAYS_FORBIDDEN, *around.forbidden]):
                yield Finding(
                    f"{place}.{name}", f"It does what “{entry}” forbids.", "Find another way, or cut the step."
                )


def _evidence(draft: schema.Draft, around: Surroundings) -> Iterator[Finding]:
    """Facts cite evidence that the ticket has."""
    for number, fact in enumerate(draft.facts, start=1):
        for ref in fact.evidence:
            if ref not in around.evidence:
                mend = "Cite evidence of this ticket, or move the sentence to the guesses."
                yield Finding(f"facts[{number}]", f"{ref} is not evidence of this ticket.", mend)


def _secrets(draft: schema.Draft, _around: Surroundings) -> Iterator[Finding]:
    """No secret in the text that everybody will read and sign."""
    for rule, count in redaction.redact(schema.text_of(draft)).findings:
        mend = "Refer to the secret by where it is kept."
        yield Finding("draft", f"It looks as if it held a secret ({rule}, {count} times).", mend)


def _role(draft: schema.Draft, around: Surroundings) -> Iterator[Finding]:
    """The draft's role stays inside its patch scope, and the steps apply exactly this role."""
    part, applied = draft.role, list(_applying(draft))
    if part is None:
        for place, _ in applied:
            yield Finding(f"{place}.action", "There is no role in this draft.", "Add the role, or cut the step.")
        return
    try:
        files = roles.files_of(part)
    except ValueError as error:
        yield Finding("role.files", str(error), "Give every file once.")
        return
    for place, step in _steps(draft):
        if step.action.kind == "command":
            text = "People run commands, workers play a role: a draft holds one or the other."
            yield Finding(f"{place}.action", text, "Let the role do it, or give the commands a ticket of their own.")
    if not applied:
        yield Finding("steps", "No step applies the role.", f"Add a step {roles.OPERATION} for every host.")
    for place, action in applied:
        yield from _applied(place, action, part, around)
    scope = gate.Scope(tuple(part.paths), tuple(part.services), tuple(part.packages))
    for found in gate.check(part.name, files, scope):
        yield Finding(f"role/{found.file}:{found.line}", found.text, found.mend)


def _applying(draft: schema.Draft) -> Iterator[tuple[str, schema.OperationAction]]:
    for place, step in _steps(draft):
        if step.action.kind == "operation" and step.action.operation == roles.OPERATION:
            yield place, step.action


def _applied(
    place: str, action: schema.OperationAction, part: schema.RolePart, around: Surroundings
) -> Iterator[Finding]:
    """The step applies this role as it stands, on a host whose connector plays roles."""
    values = schema.parameters_of(action)
    wanted = {"role": roles.part_digest(part), "destroys": roles.is_marked(part)}
    for name, value in wanted.items():
        if values.get(name) != value:
            text = f"The step's {name} is not what the role of this draft is."
            yield Finding(f"{place}.action.{name}", text, f"Set it to {str(value).lower()}.")
    target = around.places.get(f"hosts:{values.get('host')}")
    if target and target.connector not in around.players:
        text = f"The connector {target.connector} of {values['host']} plays no roles."
        yield Finding(f"{place}.action.host", text, "Name a host that is reached by one that does.")


GATES: dict[str, Rule] = {
    "catalogue": _catalogue,
    "scope": _scope,
    "guards": _guards,
    "way back": _way_back,
    "forbidden commands": _forbidden,
    "evidence": _evidence,
    "secrets": _secrets,
    "role": _role,
}


def _steps(draft: schema.Draft) -> Iterator[tuple[str, schema.Step]]:
    for number, step in enumerate(draft.steps, start=1):
        yield f"steps[{number}]", step


def _commands_of(step: schema.Step) -> Iterator[tuple[str, str]]:
    if step.action.kind == "command":
        yield "action", step.action.command
    for name, text in (
        ("preflight", step.preflight.command),
        ("verify", step.verify.command),
        ("rollback", step.rollback.command),
    ):
        if text:
            yield name, text
