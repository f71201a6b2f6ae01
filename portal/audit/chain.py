"""Reads what the chain of seals is made of: where it ends, which transactions are over, which events a seal covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from portal.audit.models import Seal
from portal.audit.sealing import NOTHING, STAMPED, SealText, moment

_LEAF = 32  # bytes
# Two branches, each along the index: one condition with OR would walk the index from its beginning.
_COLUMNS = ", ".join(STAMPED)
_COVERED = f"""
SELECT {_COLUMNS}, body FROM (
    SELECT {_COLUMNS}, body FROM audit_event WHERE xid >= %(since)s AND xid < %(until)s
    UNION ALL
    SELECT {_COLUMNS}, body FROM audit_event WHERE xid = ANY(%(were_open)s::bigint[]) AND xid < %(since)s
) AS found
WHERE NOT xid = ANY(%(are_open)s::bigint[])
ORDER BY xid, id
"""  # noqa: S608 - our own column names
_CUT = """
WITH covered AS (
    (SELECT xid FROM audit_event WHERE xid >= %(since)s AND xid < %(until)s AND NOT xid = ANY(%(are_open)s::bigint[])
     ORDER BY xid, id LIMIT %(most)s + 1)
    UNION ALL
    (SELECT xid FROM audit_event
     WHERE xid = ANY(%(were_open)s::bigint[]) AND xid < %(since)s AND NOT xid = ANY(%(are_open)s::bigint[])
     ORDER BY xid, id LIMIT %(most)s + 1)
), first AS (SELECT xid FROM covered ORDER BY xid LIMIT %(most)s + 1)
SELECT min(xid), max(xid) FROM first HAVING count(*) > %(most)s
"""
_COUNT = f"SELECT count(*) FROM ({_COVERED}) AS covered"  # noqa: S608
_FIRST = """
(SELECT recorded_at FROM audit_event WHERE xid = ANY(%(were_open)s::bigint[]) ORDER BY xid, id LIMIT 1)
UNION ALL
(SELECT recorded_at FROM audit_event WHERE xid >= %(since)s ORDER BY xid, id LIMIT 1)
LIMIT 1
"""
_NOW = """
SELECT pg_snapshot_xmax(now)::text::bigint + audit_xid_base(),
       ARRAY(SELECT xid::text::bigint + audit_xid_base() FROM pg_snapshot_xip(now) AS xid ORDER BY 1)
FROM pg_current_snapshot() AS now
"""
_SEAL_OF = """
SELECT wanted.id, seal.number, wanted.id = ANY(seal.event_ids)
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(id, xid)
CROSS JOIN LATERAL (
    SELECT number, event_ids FROM audit_seal WHERE until_xid > wanted.xid AND NOT wanted.xid = ANY(open_xids)
    ORDER BY until_xid, number LIMIT 1
) AS seal
"""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Which transactions are over: those below `until_xid`, but for `open_xids`, which still run."""

    until_xid: int
    open_xids: tuple[int, ...]


BEGINNING = Horizon(0, ())


def tip() -> Seal | None:
    """The newest seal, without its events."""
    return Seal.objects.defer("event_ids", "leaves").order_by("number").last()


def horizon_of(seal: Seal | None) -> Horizon:
    """What had been over when this seal was made."""
    return Horizon(seal.until_xid, tuple(seal.open_xids)) if seal else BEGINNING


def now() -> Horizon:
    """What is over now. Whatever a later statement sees of the transactions named over is final."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW)
        until_xid, open_xids = cursor.fetchone()
    return Horizon(until_xid, tuple(open_xids))


def events_between(before: Horizon, after: Horizon) -> list[dict[str, Any]]:
    """The events of the transactions that ended between the two, in the order of the tree, as leaves read them."""
    with connection.cursor() as cursor:
        cursor.execute(_COVERED, _parameters(before, after))
        return [_as_leaf_reads(row) for row in cursor.fetchall()]


def count_between(before: Horizon, after: Horizon) -> int:
    """How many events `events_between` would find."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _parameters(before, after))
        return int(cursor.fetchone()[0])


def first_after(before: Horizon) -> datetime | None:
    """When the oldest event was recorded that no seal up to this horizon covers."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, {"since": before.until_xid, "were_open": list(before.open_xids)})
        found: tuple[datetime] | None = cursor.fetchone()
    return found[0] if found else None


def nearer(before: Horizon, after: Horizon, *, most: int) -> Horizon:
    """`after`, or the horizon before it that leaves about `most` events between; a transaction is never divided."""
    with connection.cursor() as cursor:
        cursor.execute(_CUT, {**_parameters(before, after), "most": most})
        found = cursor.fetchone()
    if found is None:
        return after
    first, cut = found
    until = max(cut + (cut == first), before.until_xid)
    return Horizon(until, tuple(xid for xid in after.open_xids if xid < until))


def seals_of(events: Iterable[tuple[int, int]]) -> Mapping[int, tuple[int, bool]]:
    """By the id of each event (id, xid) that is sealed: the number of the seal, and whether it lists the event."""
    wanted = list(events)
    with connection.cursor() as cursor:
        cursor.execute(_SEAL_OF, [[pk for pk, _ in wanted], [xid for _, xid in wanted]])
        return {pk: (number, is_listed) for pk, number, is_listed in cursor.fetchall()}


def text_of(seal: Seal) -> SealText:
    """What the row says, as the text that is digested."""
    return SealText(
        number=seal.number,
        previous=seal.previous,
        until_xid=seal.until_xid,
        open_xids=tuple(seal.open_xids),
        size=seal.size,
        root=seal.root,
        sealed_at=moment(seal.sealed_at),
    )


def link_of(seal: Seal | None) -> tuple[int, str]:
    """The number of the seal after this one, and what it names as the digest before it."""
    return (seal.number + 1, seal.digest) if seal else (1, NOTHING)


def leaves_of(seal: Seal) -> list[bytes]:
    """The leaves that the seal lists, in the order of the tree."""
    return [bytes(seal.leaves[start : start + _LEAF]) for start in range(0, len(seal.leaves), _LEAF)]


def _parameters(before: Horizon, after: Horizon) -> dict[str, Any]:
    return {
        "since": before.until_xid,
        "were_open": list(before.open_xids),
        "until": after.until_xid,
        "are_open": list(after.open_xids),
    }


def _as_leaf_reads(row: tuple[Any, ...]) -> dict[str, Any]:
    event = dict(zip((*STAMPED, "body"), row, strict=True))
    event["at"], event["recorded_at"] = moment(event["at"]), moment(event["recorded_at"])
    return event
