"""What is on the pictures: the walkthrough, the same incident a few times over, and others that wait for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.dashboard.walkthrough import homeward, incidents, tour
from portal.dashboard.walkthrough.cast import put_back_the_lab
from portal.dashboard.walkthrough.tour import Cast

AGAIN = 3
SETTLED = frozenset({"awaiting_review", "needs_person"})


@dataclass(frozen=True, slots=True)
class Scene:
    """The three tickets that the pictures show from near; that of `role` is proven and waits for approvers."""

    resolved: str
    waiting: str
    role: str


def set_up(cast: Cast, *, suffix: str, at: datetime, say: Callable[[str], None]) -> Scene:
    """Everything happens as it does for people: by the API, against the lab."""
    resolved, waiting = f"INC-{suffix}-PAY", f"INC-{suffix}-LOG"
    for number in range(AGAIN, 0, -1):
        put_back_the_lab()
        tour.resolve(cast, incidents.payments(f"INC-{suffix}-{number}", at), say)
    put_back_the_lab()
    tour.resolve(cast, incidents.payments(resolved, at), say)
    tour.leave_waiting(cast, incidents.log_shippers(waiting, at), say)
    for number, incident in enumerate(_others(at), start=1):
        key = tour.open_ticket(cast, {"ticket_id": f"INC-{suffix}-{number:02}", **incident}, say)
        _until_settled(cast, key)
    role = homeward.prove(cast, incidents.log_hygiene(f"INC-{suffix}-ROLE", at), say)
    return Scene(resolved, waiting, role)


def _until_settled(cast: Cast, key: str) -> None:
    tour.until(cast.engineer, key, *SETTLED)


def _others(at: datetime) -> list[dict[str, Any]]:
    def seen(kind: str, text: str, minutes: int, command: str = "") -> dict[str, str]:
        asked = {"command": command} if command else {}
        return {"kind": kind, "text": text, "observed_at": (at - timedelta(minutes=minutes)).isoformat(), **asked}

    return [
        {
            "title": "Report host lost its network after the maintenance",
            "description": "The port of the report host was shut for the maintenance on Thursday and forgotten.",
            "category": "network",
            "severity": "sev3",
            "affected_systems": ["lab-sw1"],
            "evidence": [
                seen("alert", "host_unreachable switch=lab-sw1 port=Ethernet1/20", 31),
                seen(
                    "command",
                    "Ethernet1/20 is administratively down, line protocol is down",
                    28,
                    "show interface Ethernet1/20",
                ),
            ],
        },
        {
            "title": "Volume pg-archive nearly full on the storage array",
            "description": "The archive of the database grows as planned and the volume was never made larger.",
            "category": "storage",
            "severity": "sev2",
            "affected_systems": ["lab-san1"],
            "evidence": [
                seen("alert", "volume_nearly_full array=lab-san1 volume=pg-archive used=94%", 45),
                seen("metric", "array=lab-san1 volume=pg-archive size_gb=500 used_gb=471", 44),
                seen("note", "Retention of the archive needs 650 GB until the end of the quarter.", 20),
            ],
        },
        {
            "title": "Certificate errors between two internal services",
            "description": "Since noon calls fail with a handshake error. It may be the clock, or the certificate.",
            "category": "security",
            "severity": "sev2",
            "affected_systems": [],
            "evidence": [seen("log", "tls: handshake failure, remote error: bad certificate", 12)],
        },
    ]
