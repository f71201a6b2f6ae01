"""How targets are called, one function per kind: the same name in plans, locks, servers and the ledger. Pure."""

from __future__ import annotations


def vm(vcenter: str, name: str) -> str:
    """A virtual machine: `vmware:lab-vc1/vm/app-07`."""
    return f"vmware:{vcenter}/vm/{name}"


def deployment(cluster: str, namespace: str, name: str) -> str:
    """A deployment: `kubernetes:lab-k8s/payments/deployment/payments-secondary`."""
    return f"kubernetes:{cluster}/{namespace}/deployment/{name}"


def interface(switch: str, name: str) -> str:
    """An interface of a switch: `network:lab-sw1/Ethernet1/12`."""
    return f"network:{switch}/{name}"


def volume(array: str, name: str) -> str:
    """A volume of a storage array: `storage:lab-san1/volume/pg-archive`."""
    return f"storage:{array}/volume/{name}"


def server(cloud: str, name: str) -> str:
    """A server of a cloud: `openstack:lab-os1/server/web-3`."""
    return f"openstack:{cloud}/server/{name}"


def host(name: str) -> str:
    """A Linux host: `hosts:log-ship-1`."""
    return f"hosts:{name}"
