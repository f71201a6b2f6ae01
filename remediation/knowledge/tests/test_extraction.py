"""Reading values from passages: every different value counts, what does not fit its type is not a value."""

from __future__ import annotations

import pytest

from remediation.connectors.operations import Family
from remediation.knowledge import library
from remediation.knowledge.extraction import READ_AT_MOST, KnownTarget, Passage, fill, shown
from remediation.knowledge.procedures import FrontMatter, Parameter, Sign

FRONT = library.shipped()["clock-drift"].procedure.front
HOSTS = [KnownTarget(f"hosts:{name}", Family.HOSTS) for name in ("web-1", "web-10", "web-1.dc2")]


def front(*parameters: Parameter) -> FrontMatter:
    return FRONT.model_copy(update={"parameters": list(parameters)})


def said(text: str, ref: str | None = "E1") -> Passage:
    return Passage(ref, ref or "the description", "log", text)


def values(parameter: Parameter, *passages: Passage) -> list[str | int]:
    filled = fill(front(parameter), passages, HOSTS)
    return [found.value for found in filled.values.get(parameter.name, ())]


def parameter(pattern: str, kind: str = "name", **more: object) -> Parameter:
    find = [{"name": "a test", "pattern": pattern}]
    return Parameter.model_validate({"name": "value", "says": "the value", "type": kind, "find": find} | more)


KNOWN = Parameter.model_validate({"name": "host", "says": "which host", "type": "name", "known": "hosts"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web-1 is down", ["web-1"]),
        ("it is web-1.", ["web-1"]),
        ("on web-10 only", ["web-10"]),
        ("hosts:web-1", ["web-1"]),
        ("web-1.dc2 is down", ["web-1.dc2"]),
        ("old-web-1 and web-1-old", []),
        ("web-100", []),
    ],
)
def test_a_known_system_is_found_as_a_whole_name(text: str, found: list[str]) -> None:
    assert values(KNOWN, said(text)) == found


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("integer", "v=6", [6]),
        ("integer", "v=06", []),
        ("integer", "v=-6", []),
        ("integer", "v=9999999999999999", []),
        ("name", "v=a;rm", []),
        ("name", "v=$(id)", []),
        ("path", "v=/srv/data", ["/srv/data"]),
        ("path", "v=srv", []),
    ],
)
def test_only_what_fits_the_type_is_a_value(kind: str, text: str, found: list[str | int]) -> None:
    assert values(parameter(r"v=(\S+)", kind), said(text)) == found


def test_the_same_value_twice_is_one_value_with_both_places() -> None:
    filled = fill(front(parameter(r"v=(\d+)", "integer")), [said("v=6", None), said("v=6"), said("v=6", "E2")], ())
    (found,) = filled.values["value"]
    assert (found.refs, found.where) == (("E1", "E2"), "E1, E2")


def test_two_values_are_a_problem_and_for_an_optional_parameter_a_reason_to_leave_it_out() -> None:
    passages = [said("v=6"), said("v=8", "E2")]
    (problem,) = fill(front(parameter(r"v=(\d+)", "integer")), passages, ()).problems
    assert problem.text == "The evidence disagrees on the value: 6 (E1) and 8 (E2)."
    optional = fill(front(parameter(r"v=(\d+)", "integer", is_optional=True)), passages, ())
    assert (optional.problems, optional.values, len(optional.left_out)) == ((), {}, 1)


def test_a_pattern_that_leans_on_a_missing_value_finds_nothing() -> None:
    first = parameter(r"name=(\S+)")
    second = Parameter.model_validate(
        {"name": "size", "says": "the size", "type": "integer", "find": [{"name": "t", "pattern": r"{{value}} (\d+)"}]}
    )
    assert "size" not in fill(front(first, second), [said("x 5")], ()).values
    assert fill(front(first, second), [said("name=x\nx 5\ny 6")], ()).values["size"][0].value == 5


def test_a_sign_counts_only_where_it_can_be_cited() -> None:
    sign = Sign(says="It is red.", pattern="red")
    assert shown(sign, [said("all red", None)]) is None
    seen = shown(sign, [said("all red"), said("green", "E2"), said("RED too", "E3")])
    assert seen
    assert (seen.refs, seen.quote) == (("E1", "E3"), "all red")


def test_a_long_log_is_read_up_to_a_limit() -> None:
    assert values(parameter(r"v=(\S+)"), said("x" * READ_AT_MOST + " v=late")) == []
