"""The lab's Kubernetes cluster."""

from __future__ import annotations

from remediation.connectors.lab import pods, systems
from remediation.connectors.lab.estate import Cluster, Deployment, Revision
from remediation.connectors.lab.site import SOURCE, Lab
from remediation.connectors.servers.common import CannotBeDone
from remediation.connectors.servers.kubernetes import DeploymentAnswer, PodAnswer, RolloutAnswer


class Clusters:
    """Deployments and pods of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def deployment(self, cluster: str, namespace: str, deployment: str) -> DeploymentAnswer:
        found, at = self._deployment(cluster, namespace, deployment), self._lab.now()
        ready = pods.ready(found, at)
        return DeploymentAnswer(
            source=SOURCE,
            replicas=found.replicas,
            pods=len(found.pods),
            ready=ready,
            unready_pods=max(0, found.replicas - ready),
            missing_pods=max(0, found.replicas - len(found.pods)),
            image=found.image,
            pod_names=",".join(pod.name for pod in found.pods),
            unready_pod_names=",".join(pod.name for pod in found.pods if not pods.is_ready(pod, at)),
            schedulable_pods=self._room(cluster),
        )

    def pod(self, cluster: str, namespace: str, deployment: str, pod: str) -> PodAnswer:
        found, at = self._deployment(cluster, namespace, deployment), self._lab.now()
        named = [each for each in found.pods if each.name == pod]
        return PodAnswer(
            source=SOURCE,
            exists=bool(named),
            ready=any(pods.is_ready(each, at) for each in named),
            restarts=sum(each.restarts for each in named),
            replicas=found.replicas,
            unready_pods=max(0, found.replicas - pods.ready(found, at)),
        )

    def rollout(self, cluster: str, namespace: str, deployment: str, image: str) -> RolloutAnswer:
        found = self._deployment(cluster, namespace, deployment)
        return RolloutAnswer(
            source=SOURCE,
            current_image=found.image,
            current_revision=found.revision,
            revisions_with_image=sum(revision.image == image for revision in found.former),
            outdated_pods=sum(pod.image != found.image for pod in found.pods),
            unready_pods=max(0, found.replicas - pods.ready(found, self._lab.now())),
        )

    def delete_pod(self, cluster: str, namespace: str, deployment: str, pod: str) -> str:
        found = self._deployment(cluster, namespace, deployment)
        found.pods.remove(systems.find(found.pods, name=pod))
        self._start(found, 1)
        return f"{pod} is gone; {found.pods[-1].name} starts."

    def ensure_pods(self, cluster: str, namespace: str, deployment: str) -> str:
        found = self._deployment(cluster, namespace, deployment)
        missing = max(0, found.replicas - len(found.pods))
        self._start(found, missing)
        return f"{missing} pods of {deployment} start." if missing else f"{deployment} has all its pods already."

    def scale(self, cluster: str, namespace: str, deployment: str, replicas: int) -> str:
        found = self._deployment(cluster, namespace, deployment)
        more = replicas - len(found.pods)
        if more > self._room(cluster):
            raise CannotBeDone(f"{cluster} has room for {self._room(cluster)} more pods; {more} are needed.")
        found.replicas = replicas
        found.pods = found.pods[:replicas]
        self._start(found, max(0, more))
        return f"{deployment} asks for {replicas} pods."

    def roll_back(self, cluster: str, namespace: str, deployment: str, image: str) -> str:
        found = self._deployment(cluster, namespace, deployment)
        chosen = systems.find(found.former, image=image)
        found.former.remove(chosen)
        found.former.append(Revision(number=found.revision, image=found.image))
        found.revision, found.image, found.pods = found.revision + 1, image, []
        self._start(found, found.replicas)
        return f"{deployment} runs revision {chosen.number} again, as revision {found.revision}."

    def _start(self, deployment: Deployment, count: int) -> None:
        is_broken = deployment.image in self._cluster(deployment.cluster).broken_images
        pods.start(deployment, count, at=self._lab.now(), is_broken=is_broken)

    def _room(self, cluster: str) -> int:
        used = sum(len(each.pods) for each in self._lab.estate.deployments if each.cluster == cluster)
        return max(0, self._cluster(cluster).room_for_pods - used)

    def _cluster(self, cluster: str) -> Cluster:
        return systems.find(self._lab.estate.clusters, name=cluster)

    def _deployment(self, cluster: str, namespace: str, deployment: str) -> Deployment:
        return systems.find(self._lab.estate.deployments, cluster=cluster, namespace=namespace, name=deployment)
