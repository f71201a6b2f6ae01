"""Carries blows out, and takes those back that do not last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import psutil
import psycopg
from psycopg import sql

from portal.dashboard.chaos.blows import Blow, Kind
from portal.dashboard.chaos.hosts import Hosts

LASTS: dict[Kind, float] = {Kind.FREEZE: 16.0, Kind.CUT_OFF: 22.0}
"""Seconds. A lease is 10: when these end, somebody else has the runs."""
_END_HALF = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid, row_number() OVER (ORDER BY pid) AS place FROM pg_stat_activity
     WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
) AS connected WHERE place % 2 = {odd}
"""
T = TypeVar("T")


class Striker:
    """Hits hosts, their connections, the lab and the database. `lab` and `postgres` are killed by whoever has them."""

    def __init__(self, hosts: Hosts, *, lab: Callable[[], None], postgres: Callable[[], None]) -> None:
        self._hosts = hosts
        self._lab = lab
        self._postgres = postgres
        self._ends: list[tuple[float, Callable[[], None]]] = []
        self.struck: list[Blow] = []

    def strike(self, blow: Blow, now: float) -> None:
        """Carry out one blow; one that finds nothing to hit does not count."""
        with suppress(psutil.Error):
            if self._hit(blow, now):
                self.struck.append(replace(blow, at=now))

    def turn(self, now: float) -> None:
        """Let what was frozen go on, when its time has come."""
        due = [end for at, end in self._ends if at <= now]
        self._ends = [(at, end) for at, end in self._ends if at > now]
        for end in due:
            end()

    def end(self) -> None:
        """Let everything go on."""
        self.turn(float("inf"))

    def _hit(self, blow: Blow, now: float) -> bool:
        match blow.kind:
            case Kind.LAB:
                self._lab()
            case Kind.POSTGRES:
                self._postgres()
            case Kind.CONNECTIONS:
                with psycopg.connect(self._hosts.url, autocommit=True) as connection:
                    connection.execute(sql.SQL(_END_HALF).format(odd=sql.Literal(round(blow.choice))))
            case Kind.CUT_OFF:
                self._hosts.hold_line(is_held=True)
                self._ends.append((now + LASTS[blow.kind], lambda: self._hosts.hold_line(is_held=False)))
            case _:
                return self._hit_processes(blow, now)
        return True

    def _hit_processes(self, blow: Blow, now: float) -> bool:
        supervisor = _chosen(self._hosts.supervisors(), blow.choice)
        if supervisor is None:
            return False
        mains = supervisor.children()
        if blow.kind is Kind.FREEZE:
            family = [supervisor, *supervisor.children(recursive=True)]
            _each(family, psutil.Process.suspend)
            self._ends.append((now + LASTS[blow.kind], lambda: _each(family, psutil.Process.resume)))
            return True
        below = [each for main in mains for each in main.children(recursive=True)]
        victims = {Kind.SUPERVISOR: [supervisor], Kind.CLUSTER: mains, Kind.WORKER: below}[blow.kind]
        victim = _chosen(victims, (blow.choice * 7919) % 1)
        if victim is not None:
            victim.kill()
        return victim is not None


def _chosen(candidates: Sequence[T], choice: float) -> T | None:
    return candidates[int(choice * len(candidates))] if candidates else None


def _each(processes: Sequence[psutil.Process], verb: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            verb(process)
