"""Every operation against the lab, through the real client: look, act, look again, go back, look again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from remediation.connectors import catalogue, client, probes, seed
from remediation.connectors.catalogue import AnyOperation
from remediation.connectors.operations import Call, Family, Irreversible, Parameters, Probe, WayBack
from remediation.connectors.probes import Judgement, Outcome
from remediation.connectors.testing import LabProcess
from remediation.connectors.tests.samples import SAMPLES, TARGETS

EVERY_OPERATION = pytest.mark.parametrize("name", sorted(SAMPLES))


@dataclass
class Step:
    """An operation with its sample, carried out through the client."""

    name: str
    operation: AnyOperation = field(init=False)
    parameters: Parameters = field(init=False)

    def __post_init__(self) -> None:
        self.operation = catalogue.get(self.name)
        self.parameters = catalogue.validated(self.name, SAMPLES[self.name])
        self.slug = seed.slug_of(self.operation.family)

    def look(self, probe: Probe, *, wait: bool = False) -> Judgement:
        """One look; with `wait` as many as the operation gives the world to settle."""
        deadline = time.monotonic() + self.operation.settles_in_seconds
        while True:
            judgement = probes.judge(probe, client.read(self.slug, probe.tool, probe.arguments))
            if judgement.holds or not wait or time.monotonic() > deadline:
                return judgement
            time.sleep(0.05)

    def act(self, call: Call, *, timeout: float = client.WRITE_SECONDS) -> Outcome:
        return client.write(
            self.slug, call.tool, call.arguments, idempotency_key=str(uuid4()), fence=1, timeout=timeout
        )


@EVERY_OPERATION
def test_an_operation_goes_forth_and_back(name: str, lab_connectors: LabProcess) -> None:
    step = Step(name)
    operation, parameters = step.operation, step.parameters
    assert step.look(operation.preflight(parameters)).misses == ()
    assert not step.look(operation.verify(parameters)).holds, "the verify must not hold before anything was done"

    assert step.act(operation.action(parameters)).error == ""
    assert step.look(operation.verify(parameters), wait=True).misses == ()

    way_back = operation.way_back(parameters)
    if isinstance(way_back, WayBack):
        assert step.act(way_back.call).error == ""
        assert step.look(way_back.verify, wait=True).misses == ()
    else:
        assert isinstance(way_back, Irreversible)
    assert {request["target"] for request in lab_connectors.ledger()} == {operation.target(parameters)}


@EVERY_OPERATION
def test_the_verify_finds_out_a_write_that_lies(name: str, lab_connectors: LabProcess) -> None:
    step = Step(name)
    call = step.operation.action(step.parameters)
    lab_connectors.fault(call.tool, "lies")
    assert step.act(call).ok
    if step.operation.family in {Family.KUBERNETES, Family.VMWARE}:
        time.sleep(0.4)  # longer than their pods and guests take to come up
    assert not step.look(step.operation.verify(step.parameters)).holds


@EVERY_OPERATION
def test_a_write_that_is_refused_changes_nothing(name: str, lab_connectors: LabProcess) -> None:
    step = Step(name)
    call = step.operation.action(step.parameters)
    lab_connectors.fault(call.tool, "fails")
    outcome = step.act(call)
    assert (outcome.ok, outcome.is_unknown) == (False, False)
    assert "a fault was injected" in outcome.error
    assert step.look(step.operation.preflight(step.parameters)).holds


@EVERY_OPERATION
def test_a_target_that_does_not_exist_cannot_be_looked_at_or_changed(name: str, lab_connectors: LabProcess) -> None:
    step = Step(name)
    call = step.operation.action(step.parameters)
    last = {"network": "interface", "storage": "volume", "openstack": "server", "vmware": "vm"}.get(
        step.operation.family, "deployment"
    )
    outcome = client.write(
        step.slug, call.tool, {**call.arguments, last: "nowhere"}, idempotency_key=str(uuid4()), fence=1
    )
    assert (outcome.ok, outcome.is_unknown) == (False, False)
    assert "The lab knows nothing by" in outcome.error
    probe = step.operation.preflight(step.parameters)
    answer = client.read(step.slug, probe.tool, {**probe.arguments, last: "nowhere"})
    assert not probes.judge(probe, answer).holds


@EVERY_OPERATION
def test_every_target_has_a_backup_to_look_at(name: str, lab_connectors: LabProcess) -> None:
    step = Step(name)
    assert step.operation.backup is not None
    assert step.operation.target(step.parameters) == TARGETS[name]
    assert step.look(step.operation.backup(step.parameters)).misses == ()


@pytest.mark.parametrize(
    ("name", "target", "attribute", "value", "miss"),
    [
        ("scale_deployment", TARGETS["scale_deployment"], "replicas", 3, "replicas should be 2 and is 3."),
        ("restart_vm", TARGETS["restart_vm"], "power_state", "off", "power_state should be on and is off."),
        ("increase_memory", TARGETS["increase_memory"], "takes_memory_running", False,
         "takes_memory_running should be true and is false."),
        ("enable_port", TARGETS["enable_port"], "disabled_by", "security",
         "disabled_by should not be security and is security."),
        ("clear_interface_errors", TARGETS["clear_interface_errors"], "errors_last_minute", 4,
         "errors_last_minute should be 0 and is 4."),
        ("expand_volume", TARGETS["expand_volume"], "online", False, "online should be true and is false."),
        ("resize_instance", TARGETS["resize_instance"], "status", "ERROR", "status should be ACTIVE and is ERROR."),
    ],
)  # fmt: skip
def test_the_preflight_notices_what_somebody_else_changed(  # noqa: PLR0917
    name: str, target: str, attribute: str, value: object, miss: str, lab_connectors: LabProcess
) -> None:
    step = Step(name)
    lab_connectors.change(target, attribute, value)
    assert miss in step.look(step.operation.preflight(step.parameters)).misses


def test_scaling_the_secondary_pool_heals_the_primary_and_ends_its_alert(lab_connectors: LabProcess) -> None:
    step = Step("scale_deployment")
    primary = {"cluster": "lab-k8s", "namespace": "payments", "deployment": "payments-primary"}
    target = "kubernetes:lab-k8s/payments/deployment/payments-primary"
    assert client.read(step.slug, "get_deployment", primary).data["unready_pods"] == 1
    assert client.read(step.slug, "active_alerts", {"target": target}).data["names"] == "payments_pods_unhealthy"
    step.act(step.operation.action(step.parameters))
    assert step.look(step.operation.verify(step.parameters), wait=True).holds
    assert client.read(step.slug, "get_deployment", primary).data["unready_pods"] == 0
    assert client.read(step.slug, "active_alerts", {"target": target}).data["critical"] == 0


def test_a_cluster_takes_only_as_many_pods_as_fit(lab_connectors: LabProcess) -> None:
    slug = "lab-kubernetes"
    where = {"cluster": "lab-k8s", "namespace": "payments", "deployment": "payments-secondary"}
    outcome = client.write(slug, "scale_deployment", {**where, "replicas": 51}, idempotency_key=str(uuid4()), fence=1)
    assert outcome.error == "lab-k8s has room for 28 more pods; 49 are needed."
