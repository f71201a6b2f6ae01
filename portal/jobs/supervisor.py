"""Keeps the clusters of one queue alive: replaces the dead and the silent ones, and stops all of them when told to.

django-q2 stalls for ever when an idle worker is killed, because that worker held the lock of the pipe that its
successor reads. So every cluster has one worker, and ends with it. Its beats come through that pipe: no beat for a
while, and the whole group is replaced. What a dead cluster had in hand its successor gives back at once.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from django.conf import settings
from django.db import connections

from portal.jobs import cluster, registry
from portal.jobs.beats import Predecessor
from portal.jobs.cluster import STOP_SIGNALS, Hand
from portal.kit import garbage

logger = logging.getLogger(__name__)

_TICK = 0.5  # seconds between two looks at everything
_PAUSE = 1.0  # seconds before something that died is started again


@dataclass(eq=False, slots=True)
class Child:
    """A cluster's main process, the pipe on which its worker shows life, and the job that it holds."""

    process: BaseProcess
    pulse: Connection
    hand: Hand
    heard_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Forks the clusters from itself, so it keeps no thread and no database connection."""

    def __init__(self, queue: str, processes: int) -> None:
        self._queue = queue
        self._processes = processes
        self._children: list[Child] = []
        self._ended: deque[Predecessor] = deque()  # those that wait for their successor
        self._starts_after = 0.0
        self._is_told = False
        self._is_urgent = False
        self._lifeline, self._life = multiprocessing.Pipe(duplex=False)

    def run(self) -> None:
        """Until every cluster has stopped after SIGTERM or SIGINT; SIGINT again kills instead of waiting.

        SIGTERM may come more than once, from whoever stops a whole group, and says the same each time.
        """
        for number in STOP_SIGNALS:
            signal.signal(number, self._told)
        for module in registry.loads(self._queue):
            import_module(module)
        connections.close_all()
        garbage.settle()
        try:
            while self._children or not self._is_told:
                self._fill()
                self._listen()
                self._sweep()
        finally:
            for child in list(self._children):
                self._end(child)

    def _told(self, number: int, *_: Any) -> None:
        self._is_urgent = self._is_urgent or (self._is_told and number == signal.SIGINT)
        self._is_told = True
        for child in self._children:
            child.process.terminate()

    def _fill(self) -> None:
        while not self._is_told and len(self._children) < self._processes and time.monotonic() >= self._starts_after:
            signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
            self._start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def _start(self) -> None:
        reader, writer = multiprocessing.Pipe(duplex=False)
        predecessor = self._ended.popleft() if self._ended else None
        hand = Hand()
        process = multiprocessing.get_context("fork").Process(target=self._become, args=(writer, hand, predecessor))
        process.start()
        writer.close()
        self._children.append(Child(process, reader, hand))
        logger.info("Cluster %s of the %s queue starts", process.pid, self._queue)

    def _become(self, pulse: Connection, hand: Hand, predecessor: Predecessor | None) -> None:
        self._life.close()  # only the supervisor holds it: when it is gone, the lifeline ends
        cluster.run(self._queue, pulse=pulse, lifeline=self._lifeline, hand=hand, predecessor=predecessor)

    def _listen(self) -> None:
        heard = wait([child.pulse for child in self._children], timeout=_TICK)
        for child in self._children:
            if child.pulse in heard:
                with suppress(EOFError):
                    child.pulse.recv_bytes()
                    child.heard_at = time.monotonic()

    def _sweep(self) -> None:
        silent_since = time.monotonic() - settings.Q_CLUSTER["silence"]
        for child in list(self._children):
            if not child.process.is_alive():
                self._lost(child, _end_of(child.process.exitcode))
            elif self._is_urgent or child.heard_at < silent_since:
                self._lost(child, "was not waited for" if self._is_urgent else "fell silent")

    def _lost(self, child: Child, how: str) -> None:
        level = logging.INFO if self._is_told else logging.ERROR
        logger.log(level, "Cluster %s of the %s queue %s", child.process.pid, self._queue, how)
        self._end(child)
        self._ended.append(Predecessor(child.process.pid or 0, how, *child.hand.held))
        self._starts_after = time.monotonic() + _PAUSE

    def _end(self, child: Child) -> None:
        """Leaves nothing of the cluster's process group, whatever state it is in."""
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid or 0, signal.SIGKILL)
        child.process.kill()
        child.process.join()
        child.pulse.close()
        self._children.remove(child)


def _end_of(code: int | None) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with code {code}"
