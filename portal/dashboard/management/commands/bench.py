"""`manage.py bench`: measures the installation whose launcher started it, and prints every figure beside its goal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.access import tokens
from portal.access.models import Person, Scope
from portal.audit import bench as audit
from portal.dashboard.bench import accepting, drafting, history, load, machine, reading, rows, running, signing, site
from portal.dashboard.walkthrough.cast import COMMAND, PARTS, acting
from portal.dashboard.walkthrough.site import Refusal
from portal.dashboard.walkthrough.tour import DidNotHappen
from portal.jobs import bench as jobs
from portal.kit.figures import Figure
from remediation.playbooks import bench as playbooks
from remediation.policy import bench as policy

WEB_GOAL_MB = 280.0
NOT_MEASURED = (
    DidNotHappen,
    OSError,
    Refusal,
    load.Unexpected,
    playbooks.NotProven,
    rows.SomebodyElses,
    site.NotAnInstallation,
)
PLACE = f"127.0.0.1:{settings.PORT}"


class Command(BaseCommand):
    help = "Measure the product on data of its own (`make bench`). A missed goal is printed, not an error."

    def handle(self, *args: Any, **options: Any) -> None:
        """Figure by figure, as they are measured."""
        try:
            here = site.here()
            rows.refuse_others()
            self.stdout.write(f"Measured on {machine.described()}.\n")
            self._print(figures(here))
        except NOT_MEASURED as error:
            raise CommandError(str(error)) from error

    def _print(self, measured: Iterable[Figure]) -> None:
        verdicts = {None: "", True: "met", False: "MISSED"}
        for each in measured:
            value = f"{each.value:,.3g}" if each.value < 100 else f"{each.value:,.0f}"  # noqa: PLR2004 - three digits
            self.stdout.write(
                f"{each.name:<78} {value:>8} {each.unit:<6} {each.goal:<7} {verdicts[each.is_met]}".rstrip()
            )
            self.stdout.flush()


def figures(here: site.Site) -> Iterator[Figure]:
    """Everything that has a goal, first on empty tables, then the loop once more after a long past.

    The order matters: the web processes are weighed after they have served much, and once more when pages of 5,000
    steps were among it.
    """
    run = f"{timezone.now():%m%d%H%M%S}"
    rows.empty()
    yield policy.measure()
    yield from jobs.measure()
    yield from audit.measure()
    yield from _timed("roles", playbooks.measure)
    yield from _timed("lists", lambda: reading.measure(here, place=PLACE, opener=_engineer()))
    yield from _loop(here, run=f"{run}N")
    yield from history.fill(_engineer())
    yield history.rest()
    for figure in _loop(here, run=f"{run}P"):
        yield replace(figure, name=f"{figure.name}, {history.RUNS:,} runs")
    yield Figure("web memory, after pages of 5,000 steps as well", here.megabytes("web"), "MB")


def _loop(here: site.Site, *, run: str) -> Iterator[Figure]:
    """From a ticket to the end of its run. Accepting comes last, because it leaves the tables empty."""
    at = timezone.now()
    _, token = tokens.issue(person=_engineer(), name="bench", scopes=Scope.values, actor=COMMAND, at=at)
    headers = {"Authorization": f"Bearer {token}"}
    with acting(f"http://{PLACE}", at=at) as cast:
        yield from _timed("signing", lambda: signing.measure(cast, run=run))
    yield from _timed("drafting", lambda: drafting.measure(here, place=PLACE, headers=headers, run=run))
    yield Figure("web memory, all processes together", here.megabytes("web"), "MB", at_most=WEB_GOAL_MB)
    yield from _timed("running", lambda: running.measure(here, place=PLACE, run=run))
    yield from _timed("accepting", lambda: accepting.measure(here, place=PLACE, headers=headers, run=run))


def _timed(part: str, measure: Callable[[], Iterable[Figure]]) -> Iterator[Figure]:
    """The figures of a part, and how long it took to measure them."""
    began = time.monotonic()
    yield from measure()
    yield Figure(f"  ({part} took)", time.monotonic() - began, "s")


def _engineer() -> Person:
    return Person.objects.get(username=PARTS["engineer"])
