"""The operation catalogue: everything the product can do to infrastructure by itself. Pure.

What is not in here does not exist for a machine; commands stay with people. Risk is decided here (law 6), and every
entry has a way back or says that it has none (law 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from portal.kit.refusals import Reason, Refused
from remediation.connectors.families import kubernetes, network, openstack, roles, storage, vmware
from remediation.connectors.operations import Irreversible, Operation, Parameters, Risk

AnyOperation = Operation[Any]

OPERATIONS: Mapping[str, AnyOperation] = MappingProxyType(
    {
        operation.name: operation
        for family in (vmware, kubernetes, network, storage, openstack, roles)
        for operation in family.OPERATIONS
    }
)


def get(name: str) -> AnyOperation:
    """The operation of that name; Refused if there is none."""
    try:
        return OPERATIONS[name]
    except KeyError:
        raise Refused(Reason("unknown_operation", f"There is no operation {name!r}.", "operation")) from None


def validated(name: str, values: Mapping[str, Any]) -> Parameters:
    """The operation's parameters; Refused with one reason per field that does not fit."""
    operation = get(name)
    try:
        parameters: Parameters = operation.parameters.model_validate(dict(values))
    except ValidationError as error:
        raise Refused(*(_reason(name, detail) for detail in error.errors(include_url=False))) from None
    return parameters


def risk_of(name: str, parameters: Parameters | None) -> Risk:
    """The declared risk; critical without a way back, where the parameters make it so, and for what we do not know."""
    operation = OPERATIONS.get(name)
    if operation is None or not isinstance(parameters, operation.parameters):
        return Risk.CRITICAL_WRITE
    if isinstance(operation.way_back(parameters), Irreversible) or operation.critical_when(parameters):
        return Risk.CRITICAL_WRITE
    return operation.declared_risk


def _reason(name: str, detail: ErrorDetails) -> Reason:
    field = ".".join(str(part) for part in detail["loc"]) or None
    return Reason(detail["type"], f"{name}: {field or 'parameters'}: {_sentence(detail)}", field)


def _sentence(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "the operation has no such parameter."
    if detail["type"] == "missing":
        return "is missing."
    return f"{detail['msg']}."
