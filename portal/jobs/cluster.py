"""One django-q2 cluster as a process group of its own: what its main process does, and what its worker does.

The group never outlives its supervisor. Only the main process minds SIGTERM, also when somebody sends it to all of
them: the job in hand is finished, no other is begun.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import c_bool, c_int64
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawArray, RawValue
from multiprocessing.util import Finalize
from typing import Any, Self

from django.conf import settings
from django.db import Error, connection
from django_q.cluster import Cluster
from django_q.signals import post_spawn

from portal.audit import sealer
from portal.jobs import beats, schedules, services, work
from portal.jobs.beats import Predecessor
from portal.jobs.broker import SWEEPS_A_LEASE, Every, LedgerBroker
from portal.jobs.registry import Handed

logger = logging.getLogger(__name__)

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
_SPELL = 1.0  # seconds in which a worker begins one job after the other; then a beat may have its turn
_GLANCE = 0.01  # seconds until it looks for another one: where one job came, more come soon; then twice as many
_LONGEST_GLANCE = 0.1  # seconds; then somebody has to wake it


class Hand:
    """Which job a cluster's worker holds, where its supervisor can read it once the cluster is dead."""

    def __init__(self) -> None:
        self._numbers = RawArray(c_int64, 2)

    @property
    def held(self) -> tuple[int, int]:
        """Id and fence of the job; the id of no job is 0. If it was just being written, no job is like this."""
        return self._numbers[0], self._numbers[1]

    def close(self, job: Handed) -> None:
        """The worker has this job from now on."""
        self._numbers[:] = [job.id, job.fence]

    def open(self) -> None:
        """The worker has none any more."""
        self._numbers[0] = 0


class Life:
    """What the processes of a cluster share with each other and with their supervisor. Set before they are forked."""

    def __init__(self, queue: str, pulse: Connection, hand: Hand, predecessor: Predecessor | None) -> None:
        self.queue = queue
        self.host = socket.gethostname()
        self.pid = os.getpid()
        self.hand = hand
        self.is_stopping = RawValue(c_bool, False)  # without a lock: written by a signal handler
        self.has_worker = RawValue(c_bool, False)  # until that ends in good order
        self.is_served = RawValue(c_bool, False)  # the worker looks for jobs by itself
        self.sweeps = Every(settings.Q_CLUSTER["lease"] / SWEEPS_A_LEASE)
        self._pulse = pulse
        self._predecessor = predecessor
        self._inherits = bool(predecessor and predecessor.job_id)
        self._began = time.monotonic()

    def show(self) -> None:
        """Tell the supervisor that the worker is at work."""
        self._pulse.send_bytes(b".")

    def beat(self, job_id: int | None = None) -> datetime:
        """Write a sign of life for people to see; answers the time."""
        return beats.beat(
            queue=self.queue,
            host=self.host,
            pid=self.pid,
            age=time.monotonic() - self._began,
            job_id=job_id,
            predecessor=self._predecessor,
        )

    def inherit(self) -> None:
        """Give back, once, what the predecessor held: it is dead, so nobody has to wait until its lease runs out."""
        if self._inherits and self._predecessor:
            services.revive(self._predecessor.job_id, fence=self._predecessor.fence)
            self._inherits = False


_life: Life  # of the cluster that this process belongs to


class LedgerCluster(Cluster):  # type: ignore[misc]
    """django-q2's cluster, with a way to tell the worker that it shall begin nothing new."""

    def sig_handler(self, signum: int, frame: Any) -> None:
        if not _life.is_stopping.value:  # stopping twice would wait for a lock that the first call holds
            _life.is_stopping.value = True
            super().sig_handler(signum, frame)


def run(queue: str, *, pulse: Connection, lifeline: Connection, hand: Hand, predecessor: Predecessor | None) -> None:
    """The cluster's main process, until SIGTERM. `pulse` is written to, `lifeline` ends when the supervisor does.

    The stop signals are blocked here, and so in all that it starts, until it can answer them itself. It has nothing
    else to do than wait, so on the general queue it seals the trail: no job can keep it from that.
    """
    global _life  # noqa: PLW0603 - inherited by the processes that django-q2 forks, which take no arguments of ours
    os.setsid()
    _life = Life(queue, pulse, hand, predecessor)
    _end_with(lifeline)
    os.register_at_fork(after_in_child=lambda: _end_with(lifeline))
    post_spawn.connect(_in_worker)
    logging.getLogger("django-q").setLevel(logging.WARNING)  # else it tells about every wake-up, five times
    cluster = LedgerCluster(broker=LedgerBroker(queue, is_served=lambda: bool(_life.is_served.value)))
    cluster.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    if queue == "general":
        sealer.keep_sealing(lambda seconds: _lives_on(cluster, seconds))
    cluster.sentinel.join()
    with suppress(Error):
        beats.leave(queue=queue, host=_life.host, pid=_life.pid)


def _in_worker(**_: Any) -> None:
    """The worker lets stop signals pass, and what its jobs start can be stopped as ever.

    The successor of one that was killed may wait for ever for the pipe whose lock that one held: the cluster ends.
    """
    if _life.has_worker.value:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    _life.has_worker.value = True
    Finalize(None, _worker_ends, exitpriority=0)
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which programs that it starts would inherit
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _worker_ends() -> None:
    _life.has_worker.value = False


def _lives_on(cluster: LedgerCluster, seconds: float) -> bool:
    """Waits; False as soon as the cluster has ended."""
    cluster.sentinel.join(seconds)
    return bool(cluster.sentinel.is_alive())


def serve(queue: str) -> str:
    """Takes and runs the oldest due job, and the next, for a while; why it ended. Called in the worker, per wake-up.

    A wake-up goes through three processes, which costs more than most jobs: where many come, one has to do for them.
    """
    _life.show()
    try:
        with _serving(), _Keeper() as keeper:
            return _serve(queue, keeper)
    except Error:  # the ledger is out of reach; a job in hand comes back when its lease runs out
        logger.exception("The %s worker cannot reach the ledger", queue)
        connection.close()
        return "no ledger"


def _serve(queue: str, keeper: _Keeper) -> str:
    spell = _Spell(queue, keeper)
    pause = math.inf
    while not _life.is_stopping.value:
        if job := _taken(queue):
            spell.run(job)
            pause = _GLANCE
        elif pause > _LONGEST_GLANCE:
            return "nothing due"
        else:
            time.sleep(pause)
            pause *= 2
        if spell.is_over():
            return "others have their turn"
    return "stopping"


def _taken(queue: str) -> Handed | None:
    """The next job, if one is due."""
    if _life.sweeps.is_due():  # while all workers are busy nobody else sweeps, and what was lost goes first
        services.revive_lost(queue)
    return next(iter(services.take(queue, limit=1, lease_seconds=settings.Q_CLUSTER["lease"])), None)


class _Spell:
    """One job after the other, for a while: the statement that ends one takes the next. They share their answers."""

    def __init__(self, queue: str, keeper: _Keeper) -> None:
        self._queue = queue
        self._keeper = keeper
        self._shared = dict[Any, Any]()
        self._ends_at = time.monotonic() + _SPELL

    def is_over(self) -> bool:
        return time.monotonic() >= self._ends_at

    def run(self, job: Handed) -> None:
        """This job, and those that follow it."""
        following: Handed | None = job
        while following:
            following = self._run_one(following)

    def _run_one(self, job: Handed) -> Handed | None:
        """Answers the next job, already taken."""
        following: Handed | None = None

        def finish(result: str) -> bool:
            nonlocal following
            if _life.is_stopping.value or self.is_over():
                return services.finish(job.id, fence=job.fence, result=result)
            is_ended, following = services.finish_and_take(
                job.id,
                fence=job.fence,
                result=result,
                queue=self._queue,
                lease_seconds=settings.Q_CLUSTER["lease"],
            )
            return is_ended

        handed = replace(job, is_stopping=lambda: bool(_life.is_stopping.value), shared=self._shared)
        with self._keeper.holding(job):
            work.run(handed, finish=finish)
        return following


@contextmanager
def _serving() -> Iterator[None]:
    """Nobody has to wake the worker meanwhile."""
    _life.is_served.value = True
    try:
        yield
    finally:
        _life.is_served.value = False


def beat(queue: str) -> str:
    """Shows that a wake-up gets through to the worker, and on the general queue minds the clock for everybody."""
    _life.show()
    try:
        at = _life.beat()
        _life.inherit()
        if queue == "general":
            schedules.tick(at=at)
    except Error:
        logger.exception("The %s worker cannot write its beat", queue)
        connection.close()
    return "alive"


class _Keeper:
    """Renews the lease of the job in hand and shows life from a second thread, while the first one works."""

    def __init__(self) -> None:
        self._in_hand: tuple[Handed, float] | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread.ident:
            self._thread.join()

    @contextmanager
    def holding(self, job: Handed) -> Iterator[None]:
        """The worker has this job in hand."""
        self._in_hand = job, time.monotonic()
        if not self._thread.ident:
            self._thread.start()
        _life.hand.close(job)
        try:
            yield
        finally:
            _life.hand.open()
            self._in_hand = None

    def _keep(self) -> None:
        pause = min(settings.Q_CLUSTER["lease"], settings.Q_CLUSTER["silence"]) / 3
        lost: Handed | None = None
        while not self._done.wait(pause):
            if held := self._in_hand:
                _end_if_overdue(held[1])
                lost = _kept(held[0], lost)
        connection.close()


def _end_if_overdue(since: float) -> None:
    """A job that cannot be interrupted goes to another worker; django-q2 tried long ago."""
    if time.monotonic() - since > settings.Q_CLUSTER["timeout"] + settings.Q_CLUSTER["silence"]:
        os.kill(os.getpid(), signal.SIGKILL)


def _kept(job: Handed, lost: Handed | None) -> Handed | None:
    """Shows life and renews, unless the job is `lost`; answers which one is lost now."""
    _life.show()
    try:
        if job is not lost and not job.renew():
            lost = job
        _life.beat(job.id)
    except Error:
        logger.exception("Cannot renew the lease of %s #%s", job.kind, job.id)
        connection.close()
    return lost


def _end_with(lifeline: Connection) -> None:
    """Has this process, and with it its whole group, killed as soon as the supervisor is gone, however it went."""

    def watch() -> None:
        lifeline.poll(None)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
