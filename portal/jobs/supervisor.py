"""Keeps the clusters of one queue alive: replaces the dead and the silent ones, and stops all of them when told to.

django-q2 stalls for ever when an idle worker is killed, because that worker held the lock of the pipe that its
successor reads. So every cluster has one worker, whose beats come through that pipe: no beat for a while, and the whole
group is replaced.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from django.conf import settings
from django.db import connections

from portal.jobs import cluster, registry

logger = logging.getLogger(__name__)

_TICK = 0.5  # seconds between two looks at everything
_PAUSE = 1.0  # seconds before something that died is started again
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


@dataclass(eq=False, slots=True)
class Child:
    """A cluster's main process, and the pipe on which its worker shows life."""

    process: BaseProcess
    pulse: Connection
    heard_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Forks the clusters from itself, so it keeps no thread and no database connection."""

    def __init__(self, queue: str, processes: int) -> None:
        self._queue = queue
        self._processes = processes
        self._children: list[Child] = []
        self._starts_after = 0.0
        self._times_told = 0
        self._lifeline, self._life = multiprocessing.Pipe(duplex=False)

    def run(self) -> None:
        """Until every cluster has stopped after SIGTERM or SIGINT; a second signal kills instead of waiting."""
        for number in _STOP_SIGNALS:
            signal.signal(number, self._told)
        for module in registry.loads(self._queue):
            import_module(module)
        connections.close_all()
        gc.freeze()  # what is loaded by now stays in memory that all processes share
        try:
            while self._children or not self._times_told:
                self._fill()
                self._listen()
                self._sweep()
        finally:
            for child in list(self._children):
                self._end(child)

    def _told(self, *_: Any) -> None:
        self._times_told += 1
        for child in self._children:
            if self._times_told == 1:
                child.process.terminate()
            else:
                child.heard_at = float("-inf")

    def _fill(self) -> None:
        while not self._times_told and len(self._children) < self._processes and time.monotonic() >= self._starts_after:
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
            self._start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)

    def _start(self) -> None:
        reader, writer = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=self._become, args=(writer,))
        process.start()
        writer.close()
        self._children.append(Child(process, reader))
        logger.info("Cluster %s of the %s queue starts", process.pid, self._queue)

    def _become(self, pulse: Connection) -> None:
        self._life.close()  # only the supervisor holds it: when it is gone, the lifeline ends
        cluster.run(self._queue, pulse, self._lifeline)

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
                self._lost(child, f"ended with {child.process.exitcode}")
            elif child.heard_at < silent_since:
                self._lost(child, "fell silent")

    def _lost(self, child: Child, how: str) -> None:
        level = logging.INFO if self._times_told else logging.ERROR
        logger.log(level, "Cluster %s of the %s queue %s", child.process.pid, self._queue, how)
        self._end(child)
        self._starts_after = time.monotonic() + _PAUSE

    def _end(self, child: Child) -> None:
        """Leaves nothing of the cluster's process group, whatever state it is in."""
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid or 0, signal.SIGKILL)
        child.process.kill()
        child.process.join()
        child.pulse.close()
        self._children.remove(child)
