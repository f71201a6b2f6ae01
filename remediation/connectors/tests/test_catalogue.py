"""The catalogue as a table: what fits, what does not and why, how risky it is, and that it can be undone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.refusals import Refused
from remediation.connectors import catalogue
from remediation.connectors.operations import Call, Family, Irreversible, Operation, Parameters, Risk, WayBack
from remediation.connectors.tests.samples import SAMPLES, TARGETS

SAFE = {"snapshot_vm", "restart_pod", "scale_deployment", "enable_port"}
IRREVERSIBLE = {"expand_volume", "clear_interface_errors"}
FAMILIES = {
    Family.VMWARE: {"restart_vm", "snapshot_vm", "increase_memory", "increase_cpu"},
    Family.KUBERNETES: {"restart_pod", "scale_deployment", "rollback_deployment"},
    Family.NETWORK: {"clear_interface_errors", "enable_port", "restart_interface"},
    Family.STORAGE: {"expand_volume", "clear_snapshots"},
    Family.OPENSTACK: {"reboot_instance", "resize_instance"},
    Family.HOSTS: {"apply_role"},
}
EVERY_OPERATION = pytest.mark.parametrize("name", sorted(SAMPLES))


def refusals(name: str, values: dict[str, Any]) -> dict[str | None, str]:
    """Field to code of every reason; empty where the values fit."""
    try:
        catalogue.validated(name, values)
    except Refused as refused:
        return {reason.field: reason.code for reason in refused.reasons}
    return {}


def sample(name: str) -> tuple[Operation[Any], Parameters]:
    return catalogue.get(name), catalogue.validated(name, SAMPLES[name])


def test_the_catalogue_has_exactly_the_fourteen_operations_and_roles() -> None:
    assert {name: operation.name for name, operation in catalogue.OPERATIONS.items()} == {
        name: name for name in [*SAMPLES, "apply_role"]
    }
    assert {
        family: {name for name, operation in catalogue.OPERATIONS.items() if operation.family is family}
        for family in FAMILIES
    } == FAMILIES


@pytest.mark.parametrize(("destroys", "risk"), [(False, Risk.SAFE_WRITE), (True, Risk.CRITICAL_WRITE)])
def test_a_role_with_marked_tasks_is_critical(*, destroys: bool, risk: Risk) -> None:
    values = {"host": "log-ship-1", "role": "a" * 64, "destroys": destroys}
    parameters = catalogue.validated("apply_role", values)
    assert catalogue.risk_of("apply_role", parameters) == risk
    assert catalogue.get("apply_role").target(parameters) == "hosts:log-ship-1"
    assert refusals("apply_role", {**values, "role": "latest"}) == {"role": "string_pattern_mismatch"}


@EVERY_OPERATION
def test_a_target_is_called_as_the_estate_calls_it(name: str) -> None:
    operation, parameters = sample(name)
    assert operation.target(parameters) == TARGETS[name]


@EVERY_OPERATION
def test_risk_is_what_we_say(name: str) -> None:
    _, parameters = sample(name)
    assert catalogue.risk_of(name, parameters) is (Risk.SAFE_WRITE if name in SAFE else Risk.CRITICAL_WRITE)


@EVERY_OPERATION
def test_what_cannot_be_undone_says_why_and_is_critical(name: str) -> None:
    operation, parameters = sample(name)
    way_back = operation.way_back(parameters)
    assert isinstance(way_back, Irreversible) is (name in IRREVERSIBLE)
    if isinstance(way_back, Irreversible):
        assert way_back.reason.endswith(".")
        assert catalogue.risk_of(name, parameters) is Risk.CRITICAL_WRITE


def test_the_unknown_is_critical() -> None:
    _, parameters = sample("scale_deployment")
    assert catalogue.risk_of("format_disk", parameters) is Risk.CRITICAL_WRITE
    assert catalogue.risk_of("scale_deployment", None) is Risk.CRITICAL_WRITE
    assert catalogue.risk_of("restart_pod", parameters) is Risk.CRITICAL_WRITE
    with pytest.raises(Refused, match="There is no operation 'format_disk'"):
        catalogue.validated("format_disk", {})


def test_scaling_to_zero_is_critical_and_back_from_zero_is_not() -> None:
    stop = catalogue.validated("scale_deployment", {**SAMPLES["scale_deployment"], "to_replicas": 0})
    begin = catalogue.validated("scale_deployment", {**SAMPLES["scale_deployment"], "from_replicas": 0})
    assert catalogue.risk_of("scale_deployment", stop) is Risk.CRITICAL_WRITE
    assert catalogue.risk_of("scale_deployment", begin) is Risk.SAFE_WRITE


@EVERY_OPERATION
def test_each_parameter_is_needed_typed_and_no_other_is_taken(name: str) -> None:
    values = SAMPLES[name]
    assert refusals(name, {**values, "force": True}) == {"force": "extra_forbidden"}
    for missing in values:
        without = {field: value for field, value in values.items() if field != missing}
        assert refusals(name, without) == {missing: "missing"}
    for field, value in values.items():
        wrong = str(value) if isinstance(value, int) else 7
        assert refusals(name, {**values, field: wrong})[field] in {"int_type", "string_type"}


@pytest.mark.parametrize(
    ("name", "field", "value", "code"),
    [
        ("scale_deployment", "to_replicas", 51, "less_than_equal"),
        ("scale_deployment", "to_replicas", -1, "greater_than_equal"),
        ("scale_deployment", "to_replicas", 2, "not_different"),
        ("scale_deployment", "to_replicas", True, "int_type"),
        ("scale_deployment", "namespace", "Payments", "string_pattern_mismatch"),
        ("scale_deployment", "deployment", "a" * 64, "string_pattern_mismatch"),
        ("scale_deployment", "deployment", "web\n", "string_pattern_mismatch"),
        ("scale_deployment", "deployment", "we\x00b", "string_pattern_mismatch"),
        ("scale_deployment", "cluster", "../etc", "string_pattern_mismatch"),
        ("restart_pod", "pod", "pod;rm", "string_pattern_mismatch"),
        ("rollback_deployment", "to_image", "registry.lab/storefront", "string_pattern_mismatch"),
        ("rollback_deployment", "to_image", "registry.lab/storefront:4.8.0", "not_different"),
        ("increase_memory", "to_mb", 4_096, "not_larger"),
        ("increase_memory", "to_mb", 16_640, "grows_too_much"),
        ("increase_memory", "to_mb", 5_000, "multiple_of"),
        ("increase_cpu", "to_cpus", 1, "not_larger"),
        ("increase_cpu", "to_cpus", 65, "less_than_equal"),
        ("snapshot_vm", "snapshot", "-x", "string_pattern_mismatch"),
        ("enable_port", "interface", "Ethernet", "string_pattern_mismatch"),
        ("enable_port", "interface", "Ethernet1/20; reload", "string_pattern_mismatch"),
        ("expand_volume", "to_gb", 500, "not_larger"),
        ("expand_volume", "to_gb", 1_501, "grows_too_much"),
        ("clear_snapshots", "older_than_days", 6, "greater_than_equal"),
        ("clear_snapshots", "expected_snapshots", 0, "greater_than_equal"),
        ("resize_instance", "to_flavor", "m1.medium", "not_different"),
    ],
)
def test_limits_name_the_field(name: str, field: str, value: object, code: str) -> None:
    assert refusals(name, {**SAMPLES[name], field: value}) == {field: code}


def test_every_reason_is_a_sentence_that_names_operation_and_field() -> None:
    with pytest.raises(Refused) as refused:
        catalogue.validated("increase_memory", {"vcenter": "Lab", "vm": "app", "from_mb": 1_024, "to_mb": 512, "x": 1})
    assert [reason.field for reason in refused.value.reasons] == ["vcenter", "to_mb", "x"]
    assert refused.value.reasons[1].text == "increase_memory: to_mb: must be larger than the present 1024."


@EVERY_OPERATION
def test_every_sentence_is_one(name: str) -> None:
    operation, parameters = sample(name)
    way_back = operation.way_back(parameters)
    said = [
        operation.says(parameters),
        operation.blast_radius(parameters),
        operation.preflight(parameters).says,
        operation.verify(parameters).says,
        operation.stop_rule,
        *([way_back.says, way_back.verify.says] if isinstance(way_back, WayBack) else [way_back.reason]),
    ]
    assert [sentence for sentence in said if not re.fullmatch(r"\S.{10,200}\.", sentence)] == []


labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
counts = st.tuples(st.integers(0, 50), st.integers(0, 50))
tags = st.from_regex(r"lab/[a-z]{1,8}:[0-9]\.[0-9]", fullmatch=True)


def ranged(step: int, most: int, factor: int) -> st.SearchStrategy[tuple[int, int]]:
    """Present and new size: larger, at most `factor` times as large."""
    return st.integers(1, most // step - 1).flatmap(
        lambda now: st.integers(now + 1, min(now * factor, most // step)).map(lambda new: (now * step, new * step))
    )


INVERSES: list[tuple[str, st.SearchStrategy[tuple[Any, Any]], tuple[str, str], Callable[[Call], Any]]] = [
    ("scale_deployment", counts, ("from_replicas", "to_replicas"), lambda c: c.arguments["replicas"]),
    ("rollback_deployment", st.tuples(tags, tags), ("from_image", "to_image"), lambda c: c.arguments["image"]),
    ("increase_memory", ranged(256, 524_288, 4), ("from_mb", "to_mb"), lambda c: c.arguments["memory_mb"]),
    ("increase_cpu", ranged(1, 64, 4), ("from_cpus", "to_cpus"), lambda c: c.arguments["cpus"]),
    ("resize_instance", st.tuples(labels, labels), ("from_flavor", "to_flavor"), lambda c: c.arguments["flavor"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pairs", "fields", "value_of"), INVERSES, ids=[each[0] for each in INVERSES])
@given(data=st.data())
def test_the_way_back_is_the_exact_inverse(
    name: str,
    pairs: st.SearchStrategy[tuple[Any, Any]],
    fields: tuple[str, str],
    value_of: Callable[[Call], Any],
    data: st.DataObject,
) -> None:
    now, new = data.draw(pairs.filter(lambda pair: pair[0] != pair[1]))
    operation = catalogue.get(name)
    parameters = catalogue.validated(name, {**SAMPLES[name], fields[0]: now, fields[1]: new})
    action, way_back = operation.action(parameters), operation.way_back(parameters)
    assert isinstance(way_back, WayBack)
    assert (value_of(action), value_of(way_back.call)) == (new, now)
    assert action.tool == way_back.call.tool
    proven = {expectation.value for expectation in operation.preflight(parameters).expect}
    restored = {expectation.value for expectation in way_back.verify.expect}
    assert now in proven, "the pre-flight proves the value that the way back returns to"
    assert now in restored


def test_our_servers_have_every_tool_the_catalogue_uses() -> None:
    from remediation.connectors import seed

    pins = seed._pins()
    for name in SAMPLES:
        operation, parameters = sample(name)
        way_back = operation.way_back(parameters)
        used = {
            operation.preflight(parameters).tool,
            operation.action(parameters).tool,
            operation.verify(parameters).tool,
        }
        if isinstance(way_back, WayBack):
            used |= {way_back.call.tool, way_back.verify.tool}
        assert used <= pins[operation.family].keys()
