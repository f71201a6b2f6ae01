"""The incidents of the walkthrough, as an engineer would send them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from remediation.tickets import notes
from remediation.tickets.timelines import Entry

NOTES = Path(__file__).parent / "incident.md"
BROKEN = Path(__file__).parent / "broken_role"
ROLE_HOSTS = ("log-ship-1", "log-ship-2", "log-ship-3", "log-ship-4")

DEPLOYMENT = """\
NAME                 READY   UP-TO-DATE   AVAILABLE   AGE
payments-secondary   2/2     2            2           41d"""

PODS = """\
NAME                 READY   UP-TO-DATE   AVAILABLE   AGE
payments-primary     2/3     3            2           41d
payments-secondary   2/2     2            2           41d"""

DISK = """\
Filesystem     Type  Size  Used Avail Use% Mounted on
/dev/vdb1      ext4   40G   39G  820M  98% /var/log
/dev/vdc1      ext4  200G   31G  169G  16% /srv"""

JOURNAL = "Archived and active journals take up 20.8G in the file system."

JOURNAL_CONFIG = """\
[Journal]
Storage=persistent
#SystemMaxUse="""

BIGGEST = """\
21300  /var/log/journal
9800   /var/log/shipper/out.log.1
6100   /var/log/shipper/out.log"""


def payments(key: str, at: datetime) -> dict[str, Any]:
    """Payments pods unhealthy, secondary pool under-scaled: 2 pods, 6 needed."""
    return {
        "ticket_id": key,
        "title": "Payments pods unhealthy, secondary pool under-scaled",
        "description": (
            "Checkout latency is up since 02:51. One pod of the primary pool fails its readiness probe under load and "
            "the secondary pool is too small to take over."
        ),
        "category": "kubernetes",
        "severity": "sev1",
        "environment": "production",
        "service": "payments",
        "affected_systems": ["payments-secondary"],
        "enable_auto_remediation": True,
        "evidence": [
            {
                "kind": "alert",
                "text": "payments_pods_unhealthy: 1 of 3 pods of payments-primary not ready for 6 minutes",
                "observed_at": _iso(at - timedelta(minutes=6)),
            },
            {
                "kind": "command",
                "command": "kubectl --context lab-k8s -n payments get deploy",
                "text": PODS,
                "observed_at": _iso(at - timedelta(minutes=4)),
            },
            {
                "kind": "command",
                "command": "kubectl --context lab-k8s -n payments get deploy payments-secondary",
                "text": DEPLOYMENT,
                "observed_at": _iso(at - timedelta(minutes=3)),
            },
            {
                "kind": "note",
                "text": "Load test figures: at this traffic payments-secondary needs 6 replicas to carry the load.",
                "observed_at": _iso(at - timedelta(minutes=2)),
            },
        ],
    }


def log_shippers(key: str, at: datetime) -> dict[str, Any]:
    """Disk full on log shippers: no journal cap, logrotate maxage unset."""
    prompt = "log-ship-1"
    return {
        "ticket_id": key,
        "title": "Disk full on log shippers",
        "description": (
            "The log file system of log-ship-1 is at 98% and the shipper has stopped forwarding. Root cause as far as "
            "we can tell: the journal has no cap, and logrotate's maxage is not set."
        ),
        "category": "server",
        "severity": "sev2",
        "environment": "production",
        "service": "log-shipping",
        "affected_systems": [prompt],
        "enable_auto_remediation": True,
        "evidence": [
            {
                "kind": "alert",
                "text": "disk_almost_full host=log-ship-1 mount=/var/log value=98%",
                "observed_at": _iso(at - timedelta(minutes=22)),
            }
        ],
        "timeline": [
            _ran(at - timedelta(minutes=18), "df -hT /var/log /srv", DISK),
            _ran(at - timedelta(minutes=17), "du -xm --max-depth=1 /var/log", BIGGEST),
            _ran(at - timedelta(minutes=15), "journalctl --disk-usage", JOURNAL),
            _ran(at - timedelta(minutes=14), "cat /etc/systemd/journald.conf", JOURNAL_CONFIG),
            _ran(at - timedelta(minutes=12), "grep -R maxage /etc/logrotate.conf /etc/logrotate.d", "(no output)"),
            {
                "at": _iso(at - timedelta(minutes=10)),
                "text": "Root cause: no journal cap (SystemMaxUse is unset) and logrotate maxage is not set.",
            },
        ],
    }


def log_hygiene(key: str, at: datetime) -> dict[str, Any]:
    """The same fault on four hosts, with the notes of the night as its timeline: a role is to make the fix last."""
    told = notes.read(NOTES.read_text(encoding="utf-8"), day=at.date() - timedelta(days=1))
    return {
        "ticket_id": key,
        "title": "Disk full on log shippers, again",
        "description": "Fixed by hand at night on one host. Nothing keeps it from coming back, there or on the others.",
        "category": "server",
        "severity": "sev2",
        "environment": "production",
        "service": "log-shipping",
        "affected_systems": list(ROLE_HOSTS),
        "enable_auto_remediation": True,
        "symptom": told.symptom,
        "root_cause": told.root_cause,
        "timeline": [_moment(entry) for entry in told.entries],
    }


def broken_role() -> dict[str, str]:
    """The well-known role for this incident that is stopped: the files by their path."""
    return {path.relative_to(BROKEN).as_posix(): path.read_text(encoding="utf-8") for path in BROKEN.rglob("*.yml")}


def _moment(entry: Entry) -> dict[str, Any]:
    said = {name: value for name, value in asdict(entry).items() if value}
    return said | {"at": _iso(entry.at)} if entry.at else said


def _ran(at: datetime, command: str, output: str) -> dict[str, Any]:
    return {"at": _iso(at), "text": "", "command": command, "output": output}


def _iso(at: datetime) -> str:
    return at.isoformat()
