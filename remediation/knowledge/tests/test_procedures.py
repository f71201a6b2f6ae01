"""What a runbook may say: a closed schema that refuses slips of its author."""

from __future__ import annotations

import pytest

from remediation.knowledge import library
from remediation.knowledge.procedures import NotARunbook, compiled, parse

GOOD = library.shipped()["clock-drift"].text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("slug: clock-drift", "slug: Clock Drift", "slug"),
        ("version: 2", "version: 0", "version"),
        ("rollback_owner:", "rollback_ovner:", "rollback_ovner"),
        ("system: host", "system: hots", "hots"),
        ("{host}", "{hots}", "hots"),
        ("kinds: [systems]", "kinds: [system]", "kinds"),
        ("pattern: '^(?:hosts:)?([a-z0-9][a-z0-9.-]*[a-z0-9])$'", "pattern: '^hosts:'", "exactly one group"),
        ("pattern: '^(?:hosts:)?([a-z0-9][a-z0-9.-]*[a-z0-9])$'", "pattern: '^(hosts'", "missing )"),
        ("    review: Databases", "    remark: Databases", "review"),
        ("    known: hosts", "    known: hosts\n    is_many: true\n    is_optional: true", "not optional"),
        ("    type: name", "    type: anything", "type"),
        ("    type: name", "    type: name\n    at_least: 1", "only an integer"),
        ("hosts: host\n", "hosts: hots\n", "hots"),
        ('seconds: "{threshold}"', 'seconds: "5"', "no default of the role takes: threshold"),
        ("name: threshold\n", "name: host\n", "no default of the role takes: host"),
        ("  symptom: The clock", "  symptoms: The clock", "symptom"),
        ("---\n# Clock", "# Clock", "front matter"),
        ("symptoms:", "symptoms: [", "while parsing"),
    ],
)
def test_a_slip_is_refused_with_its_place(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(NotARunbook, match=says.replace(")", r"\)")):
        parse(GOOD.replace(old, new))


def test_prose_leaves_out_the_heading_that_repeats_the_title() -> None:
    assert "# Clock drift on a host" in parse(GOOD).body
    assert "# Clock drift on a host" not in parse(GOOD).prose


def test_a_value_in_a_pattern_is_literal() -> None:
    assert compiled("{{name}} (x)", {"name": "a.b"}).search("a.b x")
    assert not compiled("{{name}} (x)", {"name": "a.b"}).search("aXb x")
