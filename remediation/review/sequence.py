"""Whether the steps of a draft follow from one another: what a step expects of its target, the ones before leave. Pure.

The verify of a step says what it leaves behind; the pre-flight of a later step says what that one expects to find.
Where both speak of the same field of the same thing and disagree, the run would stop there, after the first writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from portal.kit.refusals import Refused
from remediation.connectors import catalogue
from remediation.connectors.operations import Probe, Relation, Scalar
from remediation.connectors.probes import RELATIONS
from remediation.drafting import schema

Thing = tuple[str, tuple[tuple[str, Scalar], ...], str]
"""A field of what one probe of one target answers."""


def breaks(draft: schema.Draft) -> Iterator[tuple[int, str]]:
    """The numbers of steps that do not follow from those before them, each with what is wrong in a sentence."""
    left: dict[Thing, tuple[int, Scalar]] = {}
    for number, step in enumerate(draft.steps, start=1):
        probes = _probes(step)
        if probes is None:
            continue
        preflight, verify = probes
        for thing, relation, value in _expected(preflight):
            words, holds = RELATIONS[relation]
            before, leaves = left.get(thing, (0, value))
            if before and type(leaves) is type(value) and not holds(leaves, value):
                yield number, f"{thing[2]} {words} {value} here, and step {before} leaves {leaves}."
        left |= {thing: (number, value) for thing, relation, value in _expected(verify) if relation == "equals"}


def _probes(step: schema.Step) -> tuple[Probe, Probe] | None:
    """The looks before and after; None for what has none in the catalogue, which other rules speak about."""
    if step.action.kind == "command":
        return None
    try:
        operation = catalogue.get(step.action.operation)
        parameters = catalogue.validated(step.action.operation, schema.parameters_of(step.action))
    except (Refused, ValueError):
        return None
    return operation.preflight(parameters), operation.verify(parameters)


def _expected(probe: Probe) -> Iterator[tuple[Thing, Relation, Scalar]]:
    arguments = tuple(sorted(probe.arguments.items()))
    for each in probe.expect:
        yield (probe.tool, arguments, each.field), each.relation, each.value
