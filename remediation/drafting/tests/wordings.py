"""Thirty tickets in words that no runbook uses, with the evidence that came with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from remediation.drafting.protocol import DraftRequest
from remediation.drafting.tests.incidents import ticket

Piece = tuple[str, str] | tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """Evidence of one kind of incident as a template, and two sets of values to put in."""

    runbook: str
    category: str
    evidence: tuple[Piece, ...]
    values: Mapping[str, str]
    others: Mapping[str, str]


SCALE = Kind(
    "scale-deployment",
    "kubernetes",
    (
        ("metric", 'kube_deployment_spec_replicas{cluster="%(cluster)s",deployment="%(deployment)s"} %(from)s'),
        (
            "command",
            "NAME  READY  UP-TO-DATE  AVAILABLE  AGE\n%(deployment)s  %(from)s/%(from)s  %(from)s  %(from)s  12d",
            "kubectl --context %(cluster)s get deployment %(deployment)s --namespace %(namespace)s",
        ),
        ("note", "Capacity planning says the service requires at least %(to)s pods."),
    ),
    {"cluster": "lab-k8s", "deployment": "checkout-api", "namespace": "shop", "from": "3", "to": "7"},
    {"cluster": "edge-k8s-2", "deployment": "search", "namespace": "web", "from": "4", "to": "11"},
)
PODS = """\
NAME  READY  STATUS  RESTARTS  AGE
%(deployment)s-7d9c5b6f4-%(good)s  1/1  Running  0  3d
%(deployment)s-7d9c5b6f4-%(bad)s  0/1  Running  0  3d
"""
STUCK_POD = Kind(
    "restart-stuck-pod",
    "kubernetes",
    (
        ("alert", "KubePodNotReady cluster=%(cluster)s namespace=%(namespace)s deployment=%(deployment)s"),
        (
            "command",
            PODS,
            "kubectl --context %(cluster)s get pods -n %(namespace)s",
        ),
    ),
    {"cluster": "lab-k8s", "namespace": "mail", "deployment": "sender", "good": "abcde", "bad": "x2k9q"},
    {"cluster": "edge-k8s-2", "namespace": "news", "deployment": "digest", "good": "zzzzz", "bad": "p4m7r"},
)
ROLLBACK = Kind(
    "rollback-bad-release",
    "kubernetes",
    (
        ("log", 'cluster=%(cluster)s deployment=%(deployment)s level=error msg="panic: nil pointer" after start'),
        (
            "command",
            "  Containers:\n    Image:      registry.local/%(deployment)s:%(new)s\n",
            "kubectl --context %(cluster)s describe deployment %(deployment)s -n %(namespace)s",
        ),
        ("deploy", "The previous image was registry.local/%(deployment)s:%(old)s and had no such errors."),
    ),
    {"cluster": "lab-k8s", "namespace": "shop", "deployment": "basket", "new": "2.4.0", "old": "2.3.9"},
    {"cluster": "edge-k8s-2", "namespace": "web", "deployment": "gateway", "new": "9.1.0", "old": "9.0.4"},
)
HUNG_VM = Kind(
    "restart-hung-vm",
    "virtualization",
    (
        ("alert", "GuestHeartbeatLost vcenter=%(vcenter)s vm=%(vm)s heartbeat: red for 12 minutes"),
        ("command", "Name:           %(vm)s\n  Power state:  poweredOn\n", "govc vm.info %(vm)s"),
    ),
    {"vcenter": "lab-vcenter", "vm": "erp-db-1"},
    {"vcenter": "dc2-vcenter", "vm": "Billing_App.7"},
)
MEMORY = Kind(
    "grow-vm-memory",
    "virtualization",
    (
        ("log", "vcenter=%(vcenter)s kernel: Out of memory: Killed process 4242 (java) on %(vm)s"),
        (
            "command",
            "Name:           %(vm)s\n  CPU:          4 vCPU(s)\n  Memory:       %(from)sMB\n",
            "govc vm.info %(vm)s",
        ),
        ("note", "Please raise the memory to %(to)s MB, agreed with the application team."),
    ),
    {"vcenter": "lab-vcenter", "vm": "report-2", "from": "8192", "to": "16384"},
    {"vcenter": "dc2-vcenter", "vm": "crm-9", "from": "4096", "to": "6144"},
)
PORT = Kind(
    "enable-switch-port",
    "network",
    (
        ("alert", "LinkDown switch=%(switch)s interface=%(port)s"),
        (
            "command",
            "%(port)s is administratively down, line protocol is down (disabled)",
            "show interfaces %(port)s",
        ),
    ),
    {"switch": "lab-switch-1", "port": "GigabitEthernet1/0/14"},
    {"switch": "dc2-leaf-3", "port": "Ethernet1/22"},
)
VOLUME = Kind(
    "expand-volume",
    "storage",
    (
        ("alert", "VolumeFull array=%(array)s volume=%(volume)s used 96%%, size=%(from)s GB"),
        ("note", "Storage board agreed: grow the volume to %(to)s GB."),
    ),
    {"array": "lab-array", "volume": "orders", "from": "500", "to": "750"},
    {"array": "dc2-array", "volume": "mail_archive.1", "from": "64", "to": "128"},
)
INSTANCE = Kind(
    "reboot-hung-instance",
    "openstack",
    (
        ("alert", "InstanceUnreachable cloud=%(cloud)s instance=%(server)s, 100%% packet loss, ssh timed out"),
        (
            "command",
            "| name | %(server)s |\n| status | ACTIVE |",
            "openstack --os-cloud %(cloud)s server show %(server)s",
        ),
    ),
    {"cloud": "lab-cloud", "server": "batch-3"},
    {"cloud": "dc2-cloud", "server": "render.node-8"},
)
SHIPPER = Kind(
    "log-shipper-disk-full",
    "server",
    (
        (
            "command",
            "root@%(host)s:~# df -h /var/log\n/dev/vda2 40G 39G 0.8G 98%% /var/log",
            "df -h /var/log",
        ),
        (
            "command",
            "root@%(host)s:~# grep SystemMaxUse /etc/systemd/journald.conf\n#SystemMaxUse=",
            "grep SystemMaxUse",
        ),
        ("note", "maxage is not set in /etc/logrotate.conf either."),
    ),
    {"host": "log-ship-1"},
    {"host": "fluentd-7.dc2"},
)
REDIS = Kind(
    "redis-memory-limit",
    "cache",
    (
        (
            "command",
            "root@%(host)s:~# redis-cli INFO\nused_memory_human:3.99G\nmaxmemory:%(from)s\nevicted_keys:182733\n",
            "redis-cli INFO",
        ),
        ("note", "Set the limit to %(to)s bytes; the machine has room for that."),
    ),
    {"host": "cache-1", "from": "4294967296", "to": "8589934592"},
    {"host": "session-store-4", "from": "268435456", "to": "536870912"},
)

WORDINGS: tuple[tuple[Kind, str, str], ...] = (
    (SCALE, "Checkout API cannot keep up with the traffic", "Requests pile up at noon; we have too few replicas."),
    (SCALE, "More pods for the checkout service please", "Latency climbs with load, CPU of all pods is at its limit."),
    (SCALE, "Checkout starved of capacity", "The pool is saturated and customers see timeouts at peak hours."),
    (SCALE, "Replica count too low", "The deployment is undersized since the campaign went live."),
    (STUCK_POD, "One of the mail senders is wedged", "A single pod does not become ready, the rest are fine."),
    (STUCK_POD, "Sender pod frozen", "Its readiness probe fails since this morning while its siblings deliver."),
    (STUCK_POD, "Pod no longer responds", "One container hangs without crashing; mails it took are not sent."),
    (ROLLBACK, "Basket broken since today's rollout", "The new version throws exceptions; go back to what we had."),
    (ROLLBACK, "Error rate exploded after the upgrade", "Right after the deploy every second request fails."),
    (ROLLBACK, "Crash loop in the latest version", "Since the release the basket pods crash on start."),
    (HUNG_VM, "ERP database machine does not answer", "Neither ssh nor console react; the guest seems frozen."),
    (HUNG_VM, "VM unresponsive", "It is powered on, yet unreachable, and the heartbeat is gone."),
    (HUNG_VM, "Guest hung after the night", "The virtual machine is stuck, tools report nothing."),
    (MEMORY, "Reporting VM runs out of RAM", "The OOM killer ends the Java process every night."),
    (MEMORY, "Machine swaps itself to death", "The guest has not enough memory for the month-end job."),
    (MEMORY, "Processes get killed on report-2", "Memory pressure on the virtual machine since the new module."),
    (PORT, "Server lost its link after the maintenance", "Somebody left the switch port shut down."),
    (PORT, "No network on rack 14", "The port on the switch is disabled by configuration."),
    (PORT, "Interface was never enabled again", "It is administratively down since Sunday's change."),
    (VOLUME, "Orders volume almost full", "The array reports that little space is left on the LUN."),
    (VOLUME, "Running out of gigabytes on the storage array", "The volume fills with wanted data; extend it."),
    (VOLUME, "LUN capacity alarm", "Used space on the volume passed its threshold on the array."),
    (INSTANCE, "Batch server in the cloud is dead", "The instance is active according to nova, nobody can log in."),
    (INSTANCE, "OpenStack VM stopped answering", "Health checks of the instance fail, console shows a trace."),
    (INSTANCE, "Cannot reach our cloud instance", "Pings and ssh to the server time out."),
    (SHIPPER, "Log forwarder has no space left", "The journal filled the partition, shipping of logs stopped."),
    (SHIPPER, "/var/log exhausted on the shipping host", "journald took the disk and old rotated logs never go."),
    (REDIS, "Redis throws away sessions", "Cache evictions climb since the limit of memory is reached."),
    (REDIS, "Cache hit ratio went through the floor", "Redis is at maxmemory and evicts hot keys."),
    (REDIS, "Users are logged out at random", "The redis cache is full and its keys are evicted early."),
)


def request_for(kind: Kind, title: str, description: str, values: Mapping[str, str]) -> DraftRequest:
    """The ticket in these words with evidence that holds these values."""
    return ticket(title, description, *filled(kind, values), category=kind.category)


def filled(kind: Kind, values: Mapping[str, str]) -> list[Piece]:
    """The evidence with the values put in."""
    return [tuple(text % values if place else text for place, text in enumerate(piece)) for piece in kind.evidence]  # type: ignore[misc]
