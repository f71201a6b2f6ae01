"""The operation that applies an Ansible role to one host. Pure.

The role is named by its digest: the plan that carries the step carries the role, and its proof.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from remediation.connectors import identities
from remediation.connectors.families.common import ObjectName, expect, recent_backup
from remediation.connectors.operations import Call, Expectation, Family, Operation, Parameters, Probe, Risk, WayBack

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ApplyRole(Parameters):
    """One host and one role; `destroys` says that the role has tasks marked for review."""

    host: ObjectName
    role: Digest
    destroys: bool


def _target(p: ApplyRole) -> str:
    return identities.host(p.host)


def _arguments(p: ApplyRole) -> dict[str, str | int | bool]:
    return {"host": p.host, "role": p.role}


def _short(p: ApplyRole) -> str:
    return p.role[:12]


def _look(p: ApplyRole, tool: str, says: str, *expectations: Expectation) -> Probe:
    return Probe(tool, _arguments(p), (expect("failed", "equals", 0), *expectations), says)


APPLY_ROLE = Operation[ApplyRole](
    name="apply_role",
    family=Family.HOSTS,
    title="Apply an Ansible role",
    declared_risk=Risk.SAFE_WRITE,
    critical_when=lambda p: "The role has tasks marked for review." if p.destroys else None,
    parameters=ApplyRole,
    target=_target,
    says=lambda p: f"Apply the role {_short(p)} to {p.host}.",
    blast_radius=lambda p: f"What the role's patch scope names on {p.host}, and nothing else.",
    preflight=lambda p: _look(
        p,
        "check_role",
        f"{p.host} is like the host on which the role was proven, a check of the role fails nowhere, and no earlier "
        "play that failed left anything behind.",
        expect("is_as_proven", "equals", value=True),
        expect("is_untouched", "equals", value=True),
    ),
    action=lambda p: Call("apply_role", _arguments(p)),
    verify=lambda p: _look(
        p,
        "verify_role",
        f"The service is well on {p.host}, and a check finds nothing left to change.",
        expect("changes", "equals", 0),
        expect("is_verified", "equals", value=True),
    ),
    way_back=lambda p: WayBack(
        Call("back_out_role", _arguments(p)),
        Probe(
            "role_state",
            _arguments(p),
            (expect("is_as_before", "equals", value=True),),
            f"What the role's scope names on {p.host} is as it was before.",
        ),
        f"Play the back-out of the role {_short(p)} on {p.host}.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

OPERATIONS = (APPLY_ROLE,)
