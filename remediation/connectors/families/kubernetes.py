"""The Kubernetes operations: restart_pod, scale_deployment, rollback_deployment. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from remediation.connectors import identities
from remediation.connectors.families.common import (
    DnsLabel,
    ImageName,
    PodName,
    SystemName,
    changed,
    expect,
    recent_backup,
)
from remediation.connectors.operations import Call, Expectation, Family, Operation, Parameters, Probe, Risk, WayBack

Replicas = Annotated[int, Field(ge=0, le=50)]


class Deployment(Parameters):
    """One deployment of one cluster."""

    cluster: SystemName
    namespace: DnsLabel
    deployment: DnsLabel


class RestartPod(Deployment):
    """A pod of the deployment. The deployment is the target: its pods come and go."""

    pod: PodName


class ScaleDeployment(Deployment):
    """Replicas asked for now and afterwards."""

    from_replicas: Replicas
    to_replicas: Replicas

    @field_validator("to_replicas")
    @classmethod
    def _changes(cls, value: int, info: ValidationInfo) -> int:
        changed(value, since=info.data.get("from_replicas"))
        return value


class RollbackDeployment(Deployment):
    """Images now and afterwards. Revision numbers move with every rollback, images stay what they are."""

    from_image: ImageName
    to_image: ImageName

    @field_validator("to_image")
    @classmethod
    def _changes(cls, value: str, info: ValidationInfo) -> str:
        changed(value, since=info.data.get("from_image"))
        return value


def _target(p: Deployment) -> str:
    return identities.deployment(p.cluster, p.namespace, p.deployment)


def _address(p: Deployment) -> dict[str, str | int | bool]:
    return {"cluster": p.cluster, "namespace": p.namespace, "deployment": p.deployment}


def _deployment(p: Deployment, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_deployment", _address(p), expectations, says)


def _pod(p: RestartPod, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_pod", _address(p) | {"pod": p.pod}, expectations, says)


def _rollout(p: RollbackDeployment, image: str, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_rollout", _address(p) | {"image": image}, expectations, says)


def _scaled(p: ScaleDeployment, replicas: int, says: str, *expectations: Expectation) -> Probe:
    return _deployment(p, says, expect("replicas", "equals", replicas), *expectations)


RESTART_POD = Operation[RestartPod](
    name="restart_pod",
    family=Family.KUBERNETES,
    title="Restart a pod",
    declared_risk=Risk.SAFE_WRITE,
    parameters=RestartPod,
    target=_target,
    says=lambda p: f"Delete the pod {p.pod} so that {p.namespace}/{p.deployment} starts a fresh one.",
    blast_radius=lambda p: f"Requests in flight on {p.pod} are lost; the other pods of {p.deployment} carry on.",
    preflight=lambda p: _pod(
        p,
        f"{p.pod} is a pod of {p.deployment}, and not its only one.",
        expect("exists", "equals", True),
        expect("replicas", "at_least", 2),
    ),
    action=lambda p: Call("delete_pod", _address(p) | {"pod": p.pod}),
    verify=lambda p: _pod(
        p,
        f"{p.pod} is gone and all pods of {p.deployment} are ready.",
        expect("exists", "equals", False),
        expect("unready_pods", "equals", 0),
    ),
    way_back=lambda p: WayBack(
        Call("ensure_pods", _address(p)),
        _deployment(p, f"{p.deployment} has all its pods.", expect("missing_pods", "equals", 0)),
        f"Make sure that {p.deployment} has as many pods as it asks for; does nothing if it has.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

SCALE_DEPLOYMENT = Operation[ScaleDeployment](
    name="scale_deployment",
    family=Family.KUBERNETES,
    title="Scale a deployment",
    declared_risk=Risk.SAFE_WRITE,
    parameters=ScaleDeployment,
    target=_target,
    says=lambda p: f"Scale {p.namespace}/{p.deployment} on {p.cluster} from {p.from_replicas} to {p.to_replicas} pods.",
    blast_radius=lambda p: (
        f"{p.to_replicas - p.from_replicas} more pods of {p.deployment} are scheduled; running pods are not touched."
        if p.to_replicas > p.from_replicas
        else f"{p.from_replicas - p.to_replicas} pods of {p.deployment} stop; the rest carry their load."
    ),
    preflight=lambda p: _scaled(
        p,
        p.from_replicas,
        f"{p.deployment} asks for {p.from_replicas} pods and the cluster has room for the difference.",
        expect("schedulable_pods", "at_least", max(0, p.to_replicas - p.from_replicas)),
    ),
    action=lambda p: Call("scale_deployment", _address(p) | {"replicas": p.to_replicas}),
    verify=lambda p: _scaled(
        p,
        p.to_replicas,
        f"{p.deployment} asks for {p.to_replicas} pods and all of them are ready.",
        expect("ready", "equals", p.to_replicas),
    ),
    way_back=lambda p: WayBack(
        Call("scale_deployment", _address(p) | {"replicas": p.from_replicas}),
        _scaled(
            p,
            p.from_replicas,
            f"{p.deployment} asks for {p.from_replicas} pods again and has them.",
            expect("pods", "equals", p.from_replicas),
        ),
        f"Scale {p.deployment} back to {p.from_replicas} pods.",
    ),
    backup=lambda p: recent_backup(_target(p)),
    critical_when=lambda p: "Scaling to zero stops the service." if p.to_replicas == 0 else None,
)

ROLLBACK_DEPLOYMENT = Operation[RollbackDeployment](
    name="rollback_deployment",
    family=Family.KUBERNETES,
    title="Roll a deployment back to a former image",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=RollbackDeployment,
    target=_target,
    says=lambda p: f"Roll {p.namespace}/{p.deployment} on {p.cluster} back from {p.from_image} to {p.to_image}.",
    blast_radius=lambda p: f"Every pod of {p.deployment} is replaced, one after the other, by {p.to_image}.",
    preflight=lambda p: _rollout(
        p,
        p.to_image,
        f"{p.deployment} runs {p.from_image} and exactly one former revision ran {p.to_image}.",
        expect("current_image", "equals", p.from_image),
        expect("revisions_with_image", "equals", 1),
    ),
    action=lambda p: Call("rollback_deployment", _address(p) | {"image": p.to_image}),
    verify=lambda p: _rollout(
        p,
        p.to_image,
        f"Every pod of {p.deployment} runs {p.to_image} and is ready.",
        expect("current_image", "equals", p.to_image),
        expect("outdated_pods", "equals", 0),
        expect("unready_pods", "equals", 0),
    ),
    way_back=lambda p: WayBack(
        Call("rollback_deployment", _address(p) | {"image": p.from_image}),
        _rollout(
            p,
            p.from_image,
            f"Every pod of {p.deployment} runs {p.from_image} again.",
            expect("current_image", "equals", p.from_image),
            expect("outdated_pods", "equals", 0),
        ),
        f"Return {p.deployment} to {p.from_image}.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

OPERATIONS = (RESTART_POD, SCALE_DEPLOYMENT, ROLLBACK_DEPLOYMENT)
