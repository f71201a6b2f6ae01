"""The lab's servers, family by family."""

from __future__ import annotations

from remediation.connectors.lab.hosts import Hosts
from remediation.connectors.lab.kubernetes import Clusters
from remediation.connectors.lab.network import Switches
from remediation.connectors.lab.openstack import Clouds
from remediation.connectors.lab.site import Lab
from remediation.connectors.lab.storage import Arrays
from remediation.connectors.lab.vmware import Vcenter
from remediation.connectors.operations import Family
from remediation.connectors.servers import hosts, kubernetes, network, openstack, storage, vmware
from remediation.connectors.servers.pairs import Pair


def pairs(lab: Lab) -> dict[Family, Pair]:
    """One pair per family over the same lab."""
    vcenter, clusters, switches, arrays, clouds = Vcenter(lab), Clusters(lab), Switches(lab), Arrays(lab), Clouds(lab)
    return {
        Family.VMWARE: Pair(vmware.read_server(vcenter, lab), vmware.write_server(vcenter, lab)),
        Family.KUBERNETES: Pair(kubernetes.read_server(clusters, lab), kubernetes.write_server(clusters, lab)),
        Family.NETWORK: Pair(network.read_server(switches, lab), network.write_server(switches, lab)),
        Family.STORAGE: Pair(storage.read_server(arrays, lab), storage.write_server(arrays, lab)),
        Family.OPENSTACK: Pair(openstack.read_server(clouds, lab), openstack.write_server(clouds, lab)),
        Family.HOSTS: Pair(hosts.read_server(Hosts(lab), lab), None),
    }
