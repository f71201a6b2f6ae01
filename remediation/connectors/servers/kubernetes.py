"""The Kubernetes servers: deployments, their pods and their rollouts."""

from __future__ import annotations

from typing import Any, Protocol

from mcp.server import MCPServer

from remediation.connectors import identities
from remediation.connectors.servers import common
from remediation.connectors.servers.common import Answer, Backend, Done, Fence, IdempotencyKey, WriteRequest


class DeploymentAnswer(Answer):
    """A deployment: what it asks for, what it has, and what the cluster has room for."""

    replicas: int
    pods: int
    ready: int
    unready_pods: int
    missing_pods: int
    image: str
    pod_names: str
    unready_pod_names: str
    schedulable_pods: int


class PodAnswer(Answer):
    """A pod, and how its deployment stands; a pod that is gone answers `exists` false."""

    exists: bool
    ready: bool
    restarts: int
    replicas: int
    unready_pods: int


class RolloutAnswer(Answer):
    """What a deployment runs, and how many former revisions ran the image asked about."""

    current_image: str
    current_revision: int
    revisions_with_image: int
    outdated_pods: int
    unready_pods: int


class Systems(Protocol):
    """The clusters behind the servers; changes raise CannotBeDone and answer with a sentence."""

    def deployment(self, cluster: str, namespace: str, deployment: str) -> DeploymentAnswer: ...

    def pod(self, cluster: str, namespace: str, deployment: str, pod: str) -> PodAnswer: ...

    def rollout(self, cluster: str, namespace: str, deployment: str, image: str) -> RolloutAnswer: ...

    def delete_pod(self, cluster: str, namespace: str, deployment: str, pod: str) -> str: ...

    def ensure_pods(self, cluster: str, namespace: str, deployment: str) -> str: ...

    def scale(self, cluster: str, namespace: str, deployment: str, replicas: int) -> str: ...

    def roll_back(self, cluster: str, namespace: str, deployment: str, image: str) -> str: ...


class Reads:
    """The questions."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def get_deployment(self, cluster: str, namespace: str, deployment: str) -> DeploymentAnswer:
        """Replicas, pods and readiness of one deployment."""
        return self._systems.deployment(cluster, namespace, deployment)

    async def get_pod(self, cluster: str, namespace: str, deployment: str, pod: str) -> PodAnswer:
        """One pod of a deployment."""
        return self._systems.pod(cluster, namespace, deployment, pod)

    async def get_rollout(self, cluster: str, namespace: str, deployment: str, image: str) -> RolloutAnswer:
        """What a deployment runs now, and whether a former revision ran an image."""
        return self._systems.rollout(cluster, namespace, deployment, image)


class Writes:
    """The changes."""

    def __init__(self, systems: Systems, backend: Backend) -> None:
        self._systems = systems
        self._backend = backend

    async def delete_pod(
        self, cluster: str, namespace: str, deployment: str, pod: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Delete a pod; its deployment starts a fresh one."""
        request = _request("delete_pod", (cluster, namespace, deployment), idempotency_key, fence, pod=pod)
        return await self._backend.once(request, lambda: self._systems.delete_pod(cluster, namespace, deployment, pod))

    async def ensure_pods(
        self, cluster: str, namespace: str, deployment: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Start the pods that a deployment asks for and does not have."""
        request = _request("ensure_pods", (cluster, namespace, deployment), idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.ensure_pods(cluster, namespace, deployment))

    async def scale_deployment(
        self,
        cluster: str,
        namespace: str,
        deployment: str,
        replicas: int,
        *,
        idempotency_key: IdempotencyKey,
        fence: Fence,
    ) -> Done:
        """Set how many pods a deployment asks for."""
        request = _request(
            "scale_deployment", (cluster, namespace, deployment), idempotency_key, fence, replicas=replicas
        )
        return await self._backend.once(request, lambda: self._systems.scale(cluster, namespace, deployment, replicas))

    async def rollback_deployment(
        self,
        cluster: str,
        namespace: str,
        deployment: str,
        image: str,
        *,
        idempotency_key: IdempotencyKey,
        fence: Fence,
    ) -> Done:
        """Return a deployment to a former revision, named by its image."""
        request = _request("rollback_deployment", (cluster, namespace, deployment), idempotency_key, fence, image=image)
        return await self._backend.once(request, lambda: self._systems.roll_back(cluster, namespace, deployment, image))


def read_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that only reads."""
    reads = Reads(systems)
    return common.read_server("kubernetes", backend, (reads.get_deployment, reads.get_pod, reads.get_rollout))


def write_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that changes."""
    writes = Writes(systems, backend)
    return common.write_server(
        "kubernetes",
        backend,
        (writes.delete_pod, writes.ensure_pods, writes.scale_deployment, writes.rollback_deployment),
    )


def _request(tool: str, where: tuple[str, str, str], key: str, fence: int, **others: str | int) -> WriteRequest:
    cluster, namespace, deployment = where
    arguments = {"cluster": cluster, "namespace": namespace, "deployment": deployment, **others}
    return WriteRequest(key, fence, identities.deployment(cluster, namespace, deployment), tool, arguments)
