"""Each gate against drafts that differ in one thing: which gate speaks, about which place, and what to mend."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from remediation.drafting import schema
from remediation.review import gates
from remediation.review.gates import Surroundings
from remediation.review.plans import Place
from remediation.review.testing import SECONDARY, scale, with_command

LAB = Place("lab-kubernetes", is_lab=True, environment="production")
AROUND = Surroundings({SECONDARY: LAB, "hosts:log-ship-1": LAB}, frozenset({"E1"}), ("git push",))

Change = Callable[[dict[str, Any]], Any]


def failures(draft: dict[str, Any], around: Surroundings = AROUND) -> dict[str, list[str]]:
    reports = gates.check(schema.parse(draft), around)
    return {report.gate: [finding.place for finding in report.findings] for report in reports if report.findings}


def changed(draft: dict[str, Any], change: Change) -> dict[str, Any]:
    draft = copy.deepcopy(draft)
    change(draft)
    return draft


def parameter(name: str, value: object) -> Change:
    def change(draft: dict[str, Any]) -> None:
        for each in draft["steps"][0]["action"]["parameters"]:
            if each["name"] == name:
                each["value"] = value

    return change


def test_good_drafts_pass_every_gate() -> None:
    assert failures(scale()) == {}
    assert failures(with_command()) == {}
    assert [report.gate for report in gates.check(schema.parse(scale()), AROUND)] == list(gates.GATES)


def in_steps(*sizes: tuple[int, int]) -> dict[str, Any]:
    """A draft that scales one deployment once for each pair of sizes."""
    draft = scale()
    (first,) = draft["steps"]
    draft["steps"] = [copy.deepcopy(first) for _ in sizes]
    for step, (before, after) in zip(draft["steps"], sizes, strict=True):
        wanted = {"from_replicas": before, "to_replicas": after}
        step["action"]["parameters"] = [
            each | {"value": wanted.get(each["name"], each["value"])} for each in step["action"]["parameters"]
        ]
    return draft


@pytest.mark.parametrize(
    ("sizes", "places"),
    [
        ([(2, 4), (4, 6)], []),
        ([(2, 4), (4, 2), (2, 6)], []),
        ([(2, 4), (2, 6)], ["steps[2].action"]),
        ([(2, 4), (4, 5), (4, 6)], ["steps[3].action"]),
    ],
)
def test_each_step_on_a_target_finds_what_the_ones_before_leave(
    sizes: list[tuple[int, int]], places: list[str]
) -> None:
    assert failures(in_steps(*sizes)) == ({"catalogue": places} if places else {})


def test_a_step_that_does_not_follow_says_what_it_would_find() -> None:
    (report, *_) = gates.check(schema.parse(in_steps((2, 4), (2, 6))), AROUND)
    assert [each.text for each in report.findings] == ["replicas should be 2 here, and step 1 leaves 4."]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda d: d["steps"][0]["action"].update(operation="delete_cluster"),
            {"catalogue": ["steps[1].action"], "scope": ["steps[1].action"]},
        ),
        (parameter("to_replicas", 51), {"catalogue": ["steps[1].action"]}),
        (parameter("to_replicas", "6"), {"catalogue": ["steps[1].action"]}),
        (parameter("to_replicas", 2), {"catalogue": ["steps[1].action"]}),
        (parameter("namespace", "Pay ments"), {"catalogue": ["steps[1].action"]}),
        (
            parameter("deployment", "payments-tertiary"),
            {"catalogue": ["steps[1].action"], "scope": ["steps[1].action"]},
        ),
        (lambda d: d["steps"][0]["action"]["parameters"].pop(), {"catalogue": ["steps[1].action"]}),
        (
            lambda d: d["steps"][0]["action"]["parameters"].append({"name": "force", "value": True}),
            {"catalogue": ["steps[1].action"]},
        ),
        (
            lambda d: d["steps"][0]["action"]["parameters"].append({"name": "to_replicas", "value": 7}),
            {"catalogue": ["steps[1].action"]},
        ),
        (
            lambda d: d["scope"].update(systems=["kubernetes:lab-k8s/shop/deployment/checkout"]),
            {"scope": ["steps[1].action"]},
        ),
        (lambda d: d["scope"].update(allowed_changes=["restart_pod"]), {"scope": ["steps[1].action"]}),
        (lambda d: d["steps"][0]["verify"].update(command="kubectl get deploy"), {"guards": ["steps[1]"]}),
        (
            lambda d: d["steps"][0]["rollback"].update(kind="irreversible"),
            {"way back": ["steps[1].rollback", "steps[1].review"]},
        ),
        (lambda d: d["facts"].append({"text": "It rained.", "evidence": ["E2"]}), {"evidence": ["facts[2]"]}),
        (lambda d: d.update(summary="Use password=Sup3rS3cretValue99 to sign in."), {"secrets": ["draft"]}),
    ],
)
def test_an_operation_that_differs_in_one_thing_is_stopped_at_its_gate(
    change: Change, expected: dict[str, list[str]]
) -> None:
    assert failures(changed(scale(), change)) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"preflight": {"expects": "x", "command": None, "stop_if": "y"}}, {"guards": ["steps[1].preflight"]}),
        ({"verify": {"expects": "x", "command": None}}, {"guards": ["steps[1].verify"]}),
        ({"rollback": {"kind": "command", "says": "x", "command": None}}, {"guards": ["steps[1].rollback"]}),
        ({"rollback": {"kind": "catalogue", "says": "x", "command": None}}, {"guards": ["steps[1].rollback"]}),
        ({"review": None}, {"way back": ["steps[1].review"]}),
        (
            {"action": {"kind": "command", "system": "log-ship-9", "command": "true"}},
            {"catalogue": ["steps[1].action"], "scope": ["steps[1].action"]},
        ),
        (
            {"action": {"kind": "command", "system": "log-ship-1", "command": "true\nreboot"}},
            {"guards": ["steps[1].action"], "forbidden commands": ["steps[1].action"]},
        ),
        (
            {"action": {"kind": "command", "system": "log-ship-1", "command": "sudo mkfs.ext4 /dev/vdb1"}},
            {"forbidden commands": ["steps[1].action"]},
        ),
        (
            {"action": {"kind": "command", "system": "log-ship-1", "command": "git push --force"}},
            {"forbidden commands": ["steps[1].action"]},
        ),
    ],
)
def test_a_command_that_differs_in_one_thing_is_stopped_at_its_gate(
    step: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    assert failures(with_command(**step)) == expected


@pytest.mark.parametrize(
    ("draft", "only_if", "found"),
    [
        (scale(), "no_active_sessions", {}),
        (scale(), "full_moon", {"catalogue": ["steps[1].only_if"]}),
        (with_command(), "no_active_sessions", {"guards": ["steps[1].only_if"]}),
    ],
)
def test_a_condition_is_one_of_the_catalogue_s_and_for_operations(
    draft: dict[str, Any], only_if: str, found: dict[str, list[str]]
) -> None:
    draft["steps"][0]["only_if"] = only_if
    assert failures(draft) == found


def test_every_finding_tells_how_to_mend_it() -> None:
    draft = schema.parse(changed(with_command(), lambda d: d["scope"].update(systems=["elsewhere"])))
    findings = [finding for report in gates.check(draft, AROUND) for finding in report.findings]
    assert findings
    assert all(finding.mend.endswith(".") for finding in findings)


def test_the_input_digest_changes_with_what_the_gates_looked_at() -> None:
    def digest(draft: dict[str, Any], around: Surroundings = AROUND) -> str:
        return gates.check(schema.parse(draft), around)[0].input_digest

    assert digest(scale()) == digest(scale())
    assert digest(scale()) != digest(scale(summary="Another."))
    assert digest(scale()) != digest(scale(), Surroundings(AROUND.places, AROUND.evidence, ()))
