"""Tickets as they come in, for the tests of the drafters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from remediation.connectors.operations import Family
from remediation.drafting.protocol import DraftRequest, EvidenceText
from remediation.knowledge import library
from remediation.knowledge.extraction import KnownTarget

TARGETS = (
    KnownTarget("kubernetes:lab-k8s/payments/deployment/payments-secondary", Family.KUBERNETES),
    KnownTarget("vmware:lab-vcenter/vm/erp-db-1", Family.VMWARE),
    KnownTarget("network:lab-switch-1/GigabitEthernet1/0/14", Family.NETWORK),
    KnownTarget("storage:lab-array/volume/orders", Family.STORAGE),
    KnownTarget("openstack:lab-cloud/server/batch-3", Family.OPENSTACK),
    KnownTarget("hosts:log-ship-1", Family.HOSTS),
    KnownTarget("hosts:log-ship-2", Family.HOSTS),
)
LIBRARY = tuple(each.procedure for each in library.shipped().values())


def ticket(
    title: str, description: str, *evidence: tuple[str, str] | tuple[str, str, str], **more: Any
) -> DraftRequest:
    """A request with evidence given as (kind, text) or (kind, output, command)."""
    values: dict[str, Any] = {"category": "kubernetes", "systems": (), "targets": TARGETS, "procedures": LIBRARY} | more
    return DraftRequest(
        key="T-1",
        title=title,
        description=description,
        severity="sev2",
        environment="production",
        service="payments",
        evidence=numbered(evidence),
        **values,
    )


def numbered(evidence: Sequence[tuple[str, ...]]) -> tuple[EvidenceText, ...]:
    """The pieces as E1, E2 and so on."""
    return tuple(
        EvidenceText(f"E{number}", piece[0], piece[1], piece[2] if len(piece) > 2 else None)  # type: ignore[arg-type]
        for number, piece in enumerate(evidence, start=1)
    )


PAYMENTS_TABLE = """\
NAME                 READY   UP-TO-DATE   AVAILABLE   AGE
payments-secondary   2/2     2            2           41d
"""


def payments(*, note: str = "Peak load needs 6 replicas in the secondary pool.", **more: Any) -> DraftRequest:
    """The walkthrough's first incident: a pool that is too small."""
    return ticket(
        "Payments pods unhealthy, secondary pool under-scaled",
        "Payment requests time out at peak. The secondary pool on lab-k8s cannot take the load of the primary.",
        ("alert", "PaymentsLatencyHigh: p99 4.8 s for 10 minutes, cluster=lab-k8s, readiness failing on timeouts"),
        ("command", PAYMENTS_TABLE, "kubectl get deploy payments-secondary -n payments"),
        ("note", note),
        **more,
    )


SHIPPER_DF = """\
root@log-ship-1:~# df -h
Filesystem      Size  Used Avail Use% Mounted on
/dev/vda2        40G   39G  0.9G  98% /var/log
/dev/vdb1       200G   36G  164G  18% /srv
"""


def log_shippers(*, systems: tuple[str, ...] = ("log-ship-1", "log-ship-2"), **more: Any) -> DraftRequest:
    """The walkthrough's second incident: logs without limits."""
    return ticket(
        "Disk full on log shippers",
        "Log shippers stop forwarding. Root cause: no journal cap, logrotate maxage unset.",
        ("alert", "DiskAlmostFull: /var/log at 98% on the log shippers for 15 minutes"),
        (
            "command",
            SHIPPER_DF,
            "df -h",
        ),
        ("command", "Archived and active journals take up 27.9G in the file system.", "journalctl --disk-usage"),
        ("command", "17:#SystemMaxUse=", "grep -n SystemMaxUse /etc/systemd/journald.conf"),
        ("command", "(no output)", "grep -n maxage /etc/logrotate.conf"),
        category="server",
        systems=systems,
        **more,
    )
