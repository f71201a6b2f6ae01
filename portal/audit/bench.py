"""Measures the trail of a running installation: what recording costs, and how soon an event is sealed."""

from __future__ import annotations

import statistics
import time

from django.db import transaction
from django.utils import timezone

from portal.audit import chain
from portal.audit import services as audit
from portal.audit.models import Event
from portal.kit.actors import Actor, Ref
from portal.kit.figures import Figure

_BENCH = Actor("system", None, "bench", "command")
_TICKET = Ref("tickets.ticket", 1, "BENCH")
_RECORDED = 500
_WATCHED = 5
_PATIENCE_SECONDS = 10.0


def measure() -> list[Figure]:
    """Needs the general cluster; raises TimeoutError when nobody seals."""
    return [
        Figure("recording an event, p50", _milliseconds_to_record(), "ms", at_most=0.3),
        Figure("recording to sealed, longest", max(_seconds_to_seal() for _ in range(_WATCHED)), "s", at_most=2.0),
    ]


def _milliseconds_to_record() -> float:
    """The INSERT as services pay for it, within their transaction; nothing of it stays."""
    costs = []
    with transaction.atomic():
        for number in range(_RECORDED):
            began = time.perf_counter()
            _record(number)
            costs.append((time.perf_counter() - began) * 1000)
        transaction.set_rollback(True)
    return statistics.median(costs)


def _seconds_to_seal() -> float:
    event, began = _record(0), time.monotonic()
    while not chain.seals_of([(event.pk, event.xid)]):
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise TimeoutError("Nobody seals: start `make run` first.")
        time.sleep(0.01)
    return time.monotonic() - began


def _record(number: int) -> Event:
    data = {"before": {"status": "in_review"}, "after": {"status": "proven"}, "reason": "measured", "n": number}
    return audit.record("bench.recorded", actor=_BENCH, at=timezone.now(), subject=_TICKET, ticket=_TICKET, data=data)
