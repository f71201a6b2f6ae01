"""The roles that runbooks bring pass our own gates, before anybody drafts from them."""

from __future__ import annotations

import pytest

from remediation.knowledge import library
from remediation.playbooks import gate, linting

SHIPPED = {name: each.procedure for name, each in library.shipped().items() if each.role}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_role_passes_the_static_gate(name: str) -> None:
    use, files = SHIPPED[name].front.role, SHIPPED[name].role_files
    assert use
    scope = gate.Scope(tuple(use.paths), tuple(use.services), tuple(use.packages))
    assert gate.check(use.name, files, scope) == []
    assert gate.marked(files)


def test_a_shipped_role_passes_the_jailed_gates() -> None:
    """The other one is the example of the tests of the jail."""
    for report in linting.check("clock_steps", SHIPPED["clock-drift"].role_files):
        assert report.findings == (), report.log
