"""Sends requests over connections that stay open: many at once for how many a second, one by one for how long."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


class Unexpected(Exception):
    """An answer that is no measurement: the message says which."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and the status that is right for it."""

    method: str
    path: str
    body: bytes = b""
    expect: int = http.client.OK


def at_once(place: str, asks: Sequence[Ask], *, clients: int, headers: Mapping[str, str]) -> float:
    """Seconds until all are answered, shared among so many clients."""
    shares = [asks[number::clients] for number in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        began = time.perf_counter()
        for answered in [pool.submit(one_by_one, place, share, headers=headers) for share in shares]:
            answered.result()
        return time.perf_counter() - began


def median_ms(place: str, ask: Ask, *, times: int, headers: Mapping[str, str]) -> float:
    """The median answer time of the same request, the first ones left aside."""
    warm = times // 5
    return statistics.median(one_by_one(place, [ask] * (warm + times), headers=headers)[warm:]) * 1000


def one_by_one(place: str, asks: Sequence[Ask], *, headers: Mapping[str, str]) -> list[float]:
    """Seconds each answer took; raises Unexpected at the first wrong status."""
    connection = http.client.HTTPConnection(place, timeout=30)
    try:
        return [_seconds(connection, ask, headers) for ask in asks]
    finally:
        connection.close()


def _seconds(connection: http.client.HTTPConnection, ask: Ask, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    kind = {"Content-Type": "application/json"} if ask.body else {}
    connection.request(ask.method, ask.path, body=ask.body or None, headers={**headers, **kind})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != ask.expect:
        raise Unexpected(f"{ask.method} {ask.path}: {answer.status} instead of {ask.expect}: {text[:300]!r}")
    return time.perf_counter() - began
