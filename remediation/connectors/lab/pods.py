"""How the lab's pods come, get ready and recover. Pure but for the estate it is given."""

from __future__ import annotations

import hashlib

from remediation.connectors.lab.estate import Deployment, Estate, Pod

STARTS_IN = 0.3
"""Seconds until the last of a deployment's new pods is ready."""

LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def pod_name(deployment: str, image: str, number: int) -> str:
    """The name of a deployment's n-th pod: always the same, and shaped like a real one."""
    template = hashlib.sha256(image.encode()).hexdigest()[:9]
    seed = hashlib.sha256(f"{deployment}/{number}".encode()).digest()
    return f"{deployment}-{template}-{''.join(LETTERS[byte % len(LETTERS)] for byte in seed[:5])}"


def start(deployment: Deployment, count: int, *, at: float, is_broken: bool) -> None:
    """Start pods of the deployment's image, ready one after the other; a broken image's pods never are."""
    for number in range(count):
        deployment.pods_ever += 1
        deployment.pods.append(
            Pod(
                name=pod_name(deployment.name, deployment.image, deployment.pods_ever),
                image=deployment.image,
                ready_at=None if is_broken else at + STARTS_IN * (number + 1) / count,
            )
        )


def is_ready(pod: Pod, at: float) -> bool:
    """Whether the pod takes traffic."""
    return pod.ready_at is not None and pod.ready_at <= at and not pod.is_overloaded


def ready(deployment: Deployment, at: float) -> int:
    """How many pods of the deployment take traffic."""
    return sum(is_ready(pod, at) for pod in deployment.pods)


def recover(estate: Estate, at: float) -> None:
    """Let overloaded pods recover where another deployment has taken over enough of their load."""
    by_identity = {deployment.identity: deployment for deployment in estate.deployments}
    for deployment in estate.deployments:
        relief = by_identity.get(deployment.relieved_by)
        if relief and ready(relief, at) >= deployment.relieved_at_ready:
            for pod in deployment.pods:
                pod.is_overloaded = False
