"""django-q2's broker over the job ledger: it carries wake-ups only, and the worker that gets one takes the job itself.

So nothing lies prefetched in a pipe where a lease would run out or a dead cluster would cost an attempt, and nothing
pickled is ever stored.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from django_q.brokers import Broker
from django_q.conf import Conf
from django_q.signing import SignedPackage

from portal.jobs import services

logger = logging.getLogger(__name__)

SWEEPS_A_LEASE = 5  # so much later than its end at most it is noticed that a lease ran out
_AT_ONCE = 4  # wake-ups in one go; more would keep the cluster's own beat waiting
_FORGOTTEN_AFTER = 1.0  # seconds until a wake-up counts as lost and is sent again
_GLANCE = 0.05  # seconds between two looks whether the worker needs to be woken


class Every:
    """True at once, and then every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = float("-inf")

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class LedgerBroker(Broker):  # type: ignore[misc]
    """Listens for work on one queue. Used by one process, django-q2's pusher.

    As long as the worker `is_served`, finding jobs by itself, nobody looks or wakes it.
    """

    def __init__(self, list_key: str | None = None, *, is_served: Callable[[], bool] = lambda: False) -> None:
        super().__init__(list_key)
        self._is_served = is_served
        self._beats = Every(settings.Q_CLUSTER["silence"] / 4)
        self._sweeps = Every(settings.Q_CLUSTER["lease"] / SWEEPS_A_LEASE)
        self._woken: dict[int, float] = {}
        self._listens_on: object = None

    def dequeue(self) -> list[tuple[str, str]] | None:
        """Wake-ups for the worker, after at most `poll` seconds; a beat comes first, also when the database is away."""
        if self._beats.is_due():
            return [self._wake_up("beat")]
        if self._is_served():
            time.sleep(_GLANCE)
            return None
        try:
            return self._look() or self._wait_and_look()
        except (Error, psycopg.Error):
            logger.exception("The %s cluster cannot read its queue", self.list_key)
            connection.close()
            time.sleep(1)
            return None

    @staticmethod
    def get_cache() -> None:
        """No cache: django-q2 would keep pickles in it, and the ledger has its own beats."""

    def ping(self) -> bool:
        return True

    def info(self) -> str:
        return "job ledger"

    def _look(self) -> list[tuple[str, str]]:
        self._listen()
        if self._sweeps.is_due():
            services.revive_lost(self.list_key)
        now = time.monotonic()
        self._woken = {job: at for job, at in self._woken.items() if now - at < _FORGOTTEN_AFTER}
        fresh = [job for job in services.due(self.list_key, limit=_AT_ONCE) if job not in self._woken]
        self._woken |= dict.fromkeys(fresh, now)
        return [self._wake_up("serve") for _ in fresh]

    def _wait_and_look(self) -> list[tuple[str, str]] | None:
        announced = list(connection.connection.notifies(timeout=Conf.POLL, stop_after=1))
        return self._look() if announced else None

    def _listen(self) -> None:
        connection.ensure_connection()
        if connection.connection is not self._listens_on:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {services.channel(self.list_key)}")
            self._listens_on = connection.connection

    def _wake_up(self, what: str) -> tuple[str, str]:
        task: dict[str, Any] = {
            "id": what,
            "name": what,
            "func": f"portal.jobs.cluster.{what}",
            "args": (self.list_key,),
            "kwargs": {},
            "started": timezone.now(),
            "timeout": settings.Q_CLUSTER["timeout"],
        }
        return what, SignedPackage.dumps(task)
