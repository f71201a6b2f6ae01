"""The installation under measurement, seen from outside: its processes, what they cost, and how to let some rest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psutil
from django.db.models.functions import Now

from portal.dashboard.bench import waking
from portal.dashboard.walkthrough.tour import DidNotHappen
from portal.jobs.models import Job
from portal.jobs.states import State

CLUSTERS = ("drafting", "probe", "execution", "general")
MEGABYTE = 1_000_000
PATIENCE_SECONDS = 60
WAKING_SECONDS = 3.0  # a worker that was asleep shows life before its supervisor looks for it


class NotAnInstallation(Exception):
    """The command was not started by the launcher, so there is nothing of its own to measure."""


@dataclass(frozen=True, slots=True)
class Site:
    """The launcher's children by what they are: `web`, a cluster, or `postgres`."""

    children: dict[str, psutil.Process]

    def seconds(self, *names: str) -> float:
        """CPU time these have used so far, with all their processes, those that ended included."""
        return sum(_seconds(each) for name in names for each in self.family(name))

    def megabytes(self, name: str) -> float:
        """Proportional set size of a child with all its processes."""
        return float(sum(each.memory_full_info().pss for each in self.family(name))) / MEGABYTE

    def family(self, name: str) -> list[psutil.Process]:
        """A child and everything below it."""
        child = self.children[name]
        return [child, *child.children(recursive=True)]

    @contextmanager
    def resting(self, names: Iterable[str]) -> Iterator[None]:
        """These children stand still meanwhile, so that what they do is not measured with the rest."""
        families = [self.family(name) for name in names]
        everybody = [each for family in families for each in family]
        with waking.in_any_case([each.pid for each in everybody]):
            for each in everybody:
                each.suspend()
            try:
                yield
            finally:
                for each in (each for family in families for each in family[1:]):
                    each.resume()
                time.sleep(WAKING_SECONDS)
                for family in families:
                    family[0].resume()


def here() -> Site:
    """The installation whose launcher started this command; raises NotAnInstallation."""
    found = children()
    if missing := {"web", "postgres", *CLUSTERS} - found.keys():
        text = (
            f"Run `make bench`: it brings up an installation of its own. Not found here: {', '.join(sorted(missing))}."
        )
        raise NotAnInstallation(text)
    return Site(found)


def children() -> dict[str, psutil.Process]:
    """What the launcher runs at this moment; what it is about to start again is missing."""
    launcher = psutil.Process().parent()
    return {} if launcher is None else {_kind(child): child for child in launcher.children()}


def until_idle(*, within: timedelta = timedelta()) -> None:
    """Wait until the workers have done everything that is due, or will be `within` a moment."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while Job.objects.filter(state__in=[State.WAITING, State.RUNNING], due_at__lte=Now() + within).exists():
        if time.monotonic() > give_up_at:
            raise DidNotHappen(f"The workers were never idle in {PATIENCE_SECONDS} s, so nothing can be timed.")
        time.sleep(0.1)  # looking costs, too


def _kind(process: psutil.Process) -> str:
    """What the launcher started this for; PostgreSQL is known by its name, the others carry it in their environment."""
    if process.name() == "postgres":
        return "postgres"
    return str(process.environ().get("COUNTERSIGN_PROCESS", ""))


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
