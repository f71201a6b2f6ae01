"""The lab as it is on its first day and after every reset: small, deterministic, with some things broken."""

from __future__ import annotations

from collections.abc import Mapping

from remediation.connectors import identities
from remediation.connectors.lab.estate import (
    DAY,
    Alert,
    Backup,
    Cloud,
    Cluster,
    Deployment,
    Estate,
    Esx,
    Flavor,
    Host,
    Interface,
    LogFile,
    Pod,
    Pool,
    Revision,
    Rotation,
    Server,
    Snapshot,
    Thing,
    Vm,
    Volume,
)
from remediation.connectors.lab.pods import pod_name

VCENTER, CLUSTER, SWITCH, ARRAY, CLOUD = "lab-vc1", "lab-k8s", "lab-sw1", "lab-san1", "lab-os1"
PRIMARY = identities.deployment(CLUSTER, "payments", "payments-primary")
SECONDARY = identities.deployment(CLUSTER, "payments", "payments-secondary")
LOG_SHIPPERS = (1, 2, 3, 4)
BAD_STOREFRONT = "registry.lab/storefront:4.8.0"
WITHOUT_BACKUP = identities.vm(VCENTER, "batch-02")


def estate(at: float, *, crowd: int = 0) -> Estate:
    """Everything, with all times relative to `at`; `crowd` are so many more machines that nobody depends on."""
    first = Estate(
        esxs=[Esx(name="esx-1", free_mb=65_536, free_cpus=16), Esx(name="esx-2", free_mb=2_048, free_cpus=1)],
        vms=_vms(at, crowd),
        clusters=[Cluster(name=CLUSTER, room_for_pods=40, broken_images=[BAD_STOREFRONT])],
        deployments=_deployments(at),
        interfaces=_interfaces(at),
        pools=[Pool(array=ARRAY, name="fast", free_gb=2_000), Pool(array=ARRAY, name="slow", free_gb=50)],
        volumes=_volumes(at),
        clouds=[Cloud(name=CLOUD, free_vcpus=12)],
        flavors=[
            Flavor(cloud=CLOUD, name="m1.small", vcpus=1, disk_gb=20),
            Flavor(cloud=CLOUD, name="m1.medium", vcpus=2, disk_gb=40),
            Flavor(cloud=CLOUD, name="m1.large", vcpus=4, disk_gb=80),
            Flavor(cloud=CLOUD, name="m1.xlarge", vcpus=16, disk_gb=160),
        ],
        servers=[
            Server(cloud=CLOUD, name="web-1", flavor="m1.medium", disk_gb=20, booted_at=at - 30 * DAY),
            Server(cloud=CLOUD, name="web-2", flavor="m1.medium", disk_gb=20, booted_at=at - 30 * DAY),
            Server(cloud=CLOUD, name="web-3", flavor="m1.medium", disk_gb=20, booted_at=at - 9 * DAY),
            Server(cloud=CLOUD, name="report-1", flavor="m1.small", disk_gb=20, booted_at=at - DAY, status="SHUTOFF"),
        ],
        hosts=[_log_shipper(number) for number in LOG_SHIPPERS],
        alerts=_alerts(),
        backups=[],
    )
    first.backups = _backups(first.targets(), at)
    return first


def crowd_name(number: int) -> str:
    """The name of the n-th machine of the crowd."""
    return f"crowd-{number:04}"


def _vms(at: float, crowd: int) -> list[Vm]:
    def vm(name: str, *, esx: str = "esx-1", memory_mb: int = 4_096, cpus: int = 2, days: int = 40) -> Vm:
        return Vm(
            vcenter=VCENTER,
            name=name,
            esx=esx,
            power_state="on",
            booted_at=at - days * DAY,
            memory_mb=memory_mb,
            cpus=cpus,
            snapshots=["before-patching"],
        )

    powered_off = vm("batch-02", esx="esx-2", days=3)
    powered_off.power_state = "off"
    named = [vm("app-07", days=120), vm("app-08"), vm("db-03", memory_mb=16_384, cpus=4, esx="esx-2"), powered_off]
    return [*named, *(vm(crowd_name(number)) for number in range(crowd))]


def _deployments(at: float) -> list[Deployment]:
    primary = _deployment("payments", "payments-primary", "registry.lab/payments:2.14.1", replicas=3, at=at)
    primary.pods[2].is_overloaded = True
    primary.relieved_by, primary.relieved_at_ready = SECONDARY, 4
    secondary = _deployment("payments", "payments-secondary", "registry.lab/payments:2.14.1", replicas=2, at=at)
    checkout = _deployment("shop", "checkout", "registry.lab/checkout:1.9.3", replicas=3, at=at)
    checkout.pods[1].ready_at, checkout.pods[1].restarts = None, 17
    storefront = _deployment("shop", "storefront", BAD_STOREFRONT, replicas=4, at=at, revision=13)
    for pod in storefront.pods[:2]:
        pod.ready_at = None
    storefront.former = [
        Revision(number=11, image="registry.lab/storefront:4.6.2"),
        Revision(number=12, image="registry.lab/storefront:4.7.3"),
    ]
    return [primary, secondary, checkout, storefront]


def _deployment(namespace: str, name: str, image: str, *, replicas: int, at: float, revision: int = 1) -> Deployment:
    return Deployment(
        cluster=CLUSTER,
        namespace=namespace,
        name=name,
        replicas=replicas,
        image=image,
        revision=revision,
        former=[],
        pods=[
            Pod(name=pod_name(name, image, number), image=image, ready_at=at - DAY) for number in range(1, replicas + 1)
        ],
        pods_ever=replicas,
    )


def _interfaces(at: float) -> list[Interface]:
    long_ago = at - 60 * DAY
    return [
        Interface(switch=SWITCH, name="Ethernet1/1", changed_at=long_ago, carries_management=True),
        Interface(switch=SWITCH, name="Ethernet1/12", changed_at=at - 2 * DAY, errors=18_342),
        Interface(switch=SWITCH, name="Ethernet1/13", changed_at=long_ago, errors=904_112, errors_last_minute=57),
        Interface(switch=SWITCH, name="Ethernet1/20", changed_at=at - DAY, admin_up=False, disabled_by="operator"),
        Interface(switch=SWITCH, name="Ethernet1/21", changed_at=at - DAY, admin_up=False, disabled_by="security"),
    ]


def _volumes(at: float) -> list[Volume]:
    snapshots = [
        Snapshot(name=f"nightly-{days:03}", taken_at=at - days * DAY) for days in (120, 95, 70, 61, 45, 14, 3, 1)
    ]
    return [
        Volume(array=ARRAY, name="pg-archive", pool="fast", size_gb=500, used_gb=471, snapshots=snapshots),
        Volume(array=ARRAY, name="mail-store", pool="slow", size_gb=800, used_gb=610),
    ]


def _log_shipper(number: int) -> Host:
    return Host(
        name=f"log-ship-{number}",
        mount="/var/log",
        size_gb=40,
        used_percent=98,
        journal_cap_mb=None,
        journal_used_mb=21_300,
        rotations=[Rotation(name="shipper", maxage_days=None, rotate=52, compress=False)],
        files=[
            LogFile(path="/var/log/journal/system.journal", size_mb=21_300),
            LogFile(path="/var/log/shipper/out.log.1", size_mb=9_800),
            LogFile(path="/var/log/shipper/out.log", size_mb=6_100),
            LogFile(path="/var/log/syslog.1", size_mb=1_200),
        ],
    )


def _alerts() -> list[Alert]:
    return [
        Alert(target=PRIMARY, name="payments_pods_unhealthy", severity="critical", clears_when_ready=PRIMARY),
        Alert(
            target=identities.deployment(CLUSTER, "shop", "storefront"),
            name="storefront_pods_unready",
            severity="critical",
            clears_when_ready=identities.deployment(CLUSTER, "shop", "storefront"),
        ),
        Alert(target=identities.interface(SWITCH, "Ethernet1/13"), name="crc_errors_rising", severity="critical"),
        *(
            Alert(target=identities.host(f"log-ship-{number}"), name="disk_almost_full", severity="critical")
            for number in LOG_SHIPPERS
        ),
    ]


def _backups(targets: Mapping[str, Thing], at: float) -> list[Backup]:
    return [
        Backup(target=target, taken_at=at - 3 * 3_600, is_nightly=True)
        for target in targets
        if target != WITHOUT_BACKUP
    ]
