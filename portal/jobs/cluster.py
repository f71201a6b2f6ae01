"""One django-q2 cluster as a process group of its own: what its main process does, and what its worker does.

The group never outlives its supervisor, and SIGTERM goes to the main process only: the job in hand is finished, no
other is begun.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import c_bool
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawValue
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from django_q.cluster import Cluster

from portal.audit import sealer
from portal.jobs import beats, schedules, services, work
from portal.jobs.broker import LedgerBroker
from portal.jobs.registry import Handed

logger = logging.getLogger(__name__)


class Life:
    """What the processes of a cluster share with each other and with their supervisor. Set before they are forked."""

    def __init__(self, queue: str, pulse: Connection) -> None:
        self.queue = queue
        self.host = socket.gethostname()
        self.pid = os.getpid()
        self.started_at = timezone.now()
        self.is_stopping = RawValue(c_bool, False)  # without a lock: written by a signal handler
        self._pulse = pulse

    def show(self) -> None:
        """Tell the supervisor that the worker is at work."""
        self._pulse.send_bytes(b".")


_life: Life  # of the cluster that this process belongs to


class LedgerCluster(Cluster):  # type: ignore[misc]
    """django-q2's cluster, with a way to tell the worker that it shall begin nothing new."""

    def sig_handler(self, signum: int, frame: Any) -> None:
        _life.is_stopping.value = True
        if self.sentinel is None:
            sys.exit(0)
        super().sig_handler(signum, frame)


def run(queue: str, pulse: Connection, lifeline: Connection) -> None:
    """The cluster's main process, until SIGTERM. `pulse` is written to, `lifeline` ends when the supervisor does.

    It has nothing else to do than wait, so on the general queue it seals the trail: no job can keep it from that.
    """
    global _life  # noqa: PLW0603 - inherited by the processes that django-q2 forks, which take no arguments of ours
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    _life = Life(queue, pulse)
    _end_with(lifeline)
    os.register_at_fork(after_in_child=lambda: _end_with(lifeline))
    logging.getLogger("django-q").setLevel(logging.WARNING)  # else it tells about every wake-up, five times
    cluster = LedgerCluster(broker=LedgerBroker(queue))
    cluster.start()
    if queue == "general":
        sealer.keep_sealing(lambda seconds: _lives_on(cluster, seconds))
    cluster.sentinel.join()
    with suppress(Error):
        beats.leave(queue=queue, host=_life.host, pid=_life.pid)


def _lives_on(cluster: LedgerCluster, seconds: float) -> bool:
    """Waits; False as soon as the cluster has ended."""
    cluster.sentinel.join(seconds)
    return bool(cluster.sentinel.is_alive())


def serve(queue: str) -> str:
    """Takes the oldest due job and runs it; how it went. Called in the worker, once per wake-up."""
    _life.show()
    if _life.is_stopping.value:
        return "stopping"
    lease_seconds = settings.Q_CLUSTER["lease"]
    try:
        for job in services.take(queue, limit=1, lease_seconds=lease_seconds):
            with _held(job):
                return work.run(job)
    except Error:  # the ledger is out of reach; a job in hand comes back when its lease runs out
        logger.exception("The %s worker cannot reach the ledger", queue)
        connection.close()
    return "nothing due"


def beat(queue: str) -> str:
    """Shows that a wake-up gets through to the worker, and on the general queue minds the clock for everybody."""
    _life.show()
    at = timezone.now()
    try:
        beats.beat(queue=queue, host=_life.host, pid=_life.pid, started_at=_life.started_at, at=at)
        if queue == "general":
            schedules.tick(at=at)
    except Error:
        logger.exception("The %s worker cannot write its beat", queue)
        connection.close()
    return "alive"


@contextmanager
def _held(job: Handed) -> Iterator[None]:
    """Renews the lease and shows life from a second thread, while the first one works."""
    done = threading.Event()
    pause = min(settings.Q_CLUSTER["lease"], settings.Q_CLUSTER["silence"]) / 3
    keeper = threading.Thread(target=_keep, args=(job, done, pause), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _keep(job: Handed, done: threading.Event, pause: float) -> None:
    is_ours = True
    while not done.wait(pause):
        _life.show()
        try:
            is_ours = is_ours and job.renew()
        except Error:
            logger.exception("Cannot renew the lease of %s #%s", job.kind, job.id)
            connection.close()
    connection.close()


def _end_with(lifeline: Connection) -> None:
    """Has this process, and with it its whole group, killed as soon as the supervisor is gone, however it went."""

    def watch() -> None:
        lifeline.poll(None)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
