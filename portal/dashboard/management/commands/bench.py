"""`manage.py bench`: measures the installation whose launcher started it, and prints every figure beside its goal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.access import tokens
from portal.access.models import Person, Scope
from portal.audit import bench as audit
from portal.dashboard.bench import accepting, drafting, load, machine, reading, rows, signing, site
from portal.dashboard.walkthrough.cast import COMMAND, PARTS, acting
from portal.dashboard.walkthrough.site import Refusal
from portal.dashboard.walkthrough.tour import DidNotHappen
from portal.jobs import bench as jobs
from portal.kit.figures import Figure
from remediation.policy import bench as policy

WEB_GOAL_MB = 280.0


class Command(BaseCommand):
    help = "Measure the product on data of its own (`make bench`). A missed goal is printed, not an error."

    def handle(self, *args: Any, **options: Any) -> None:
        """Figure by figure, as they are measured."""
        try:
            here = site.here()
            rows.refuse_others()
            self.stdout.write(f"Measured on {machine.described()}.\n")
            self._print(figures(here))
        except (site.NotAnInstallation, rows.SomebodyElses, load.Unexpected, DidNotHappen, Refusal, OSError) as error:
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
    """Everything that has a goal. The order matters: memory is that of web processes that have served much."""
    at, place = timezone.now(), f"127.0.0.1:{settings.PORT}"
    run, url = f"{at:%m%d%H%M%S}", f"http://{place}"
    engineer = Person.objects.get(username=PARTS["engineer"])
    _, token = tokens.issue(person=engineer, name="bench", scopes=Scope.values, actor=COMMAND, at=at)
    rows.empty()
    yield policy.measure()
    yield from jobs.measure()
    yield from audit.measure()
    with acting(url, at=at) as cast:
        yield from signing.measure(cast, run=run)
    headers = {"Authorization": f"Bearer {token}"}
    yield from drafting.measure(here, place=place, headers=headers, run=run)
    yield from accepting.measure(here, place=place, headers=headers, run=run)
    yield from reading.measure(here, place=place, opener=engineer)
    yield Figure("web memory, all processes together", here.megabytes("web"), "MB", at_most=WEB_GOAL_MB)
