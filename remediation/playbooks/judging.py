"""Tells the drafters what the static gate finds in a role, so that a model can mend it before people read it."""

from __future__ import annotations

from remediation.drafting import roles, schema
from remediation.playbooks import gate


def faults(part: schema.RolePart) -> list[str]:
    """Every finding with its place and its mend."""
    scope = gate.Scope(tuple(part.paths), tuple(part.services), tuple(part.packages))
    return [
        f"{found.file}:{found.line}: {found.text} {found.mend}"
        for found in gate.check(part.name, roles.files_of(part), scope)
    ]
