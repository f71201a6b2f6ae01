"""`manage.py chaos`: blows at random on the installation whose launcher started it, then a reckoning with the lab."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.access.models import Person
from portal.dashboard.bench import lab, machine, site, workers
from portal.dashboard.chaos.blows import blows
from portal.dashboard.chaos.hosts import Hosts
from portal.dashboard.chaos.running import Chaos
from portal.dashboard.chaos.striking import Striker
from portal.dashboard.chaos.supply import STEPS, Cast, Supply, furnish
from portal.dashboard.chaos.watching import Watch
from portal.dashboard.walkthrough.cast import put_back_the_lab
from portal.kit.figures import Figure
from remediation.tickets.models import Ticket

RUNS = 1_000
AT_ONCE = 32
RUNS_A_MACHINE = 5  # as many as its chain of snapshots takes


class Command(BaseCommand):
    help = "Kill everything at random while runs go on, and count what became of them (`make chaos`)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--runs", type=int, default=int(os.environ.get("RUNS", RUNS)))
        parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", secrets.randbelow(1_000_000))))
        parser.add_argument("--processes", type=int, default=2, help="worker processes on each of three hosts")

    def handle(self, *, runs: int, seed: int, processes: int, **_: Any) -> None:
        """Ends with an error if anything is not as promised."""
        try:
            here = site.here()
        except site.NotAnInstallation as error:
            raise CommandError("Run `make chaos`: it brings up an installation of its own.") from error
        if Ticket.objects.exists():
            raise CommandError("There are tickets already: chaos wants a data folder of its own, as `make chaos` does.")
        self.stdout.write(f"{runs} runs of 5 steps, seed {seed}. On {machine.described()}.")
        put_back_the_lab()
        with here.resting(["drafting", "execution"]):  # runs are drafted and driven here
            chaos = _chaos(runs, seed, processes)
            try:
                chaos.run()
            finally:
                chaos.hosts.stop()
            found = chaos.figures(lab.ledger())
        self._print(found)
        if broken := [each.name for each in found if each.is_met is False]:
            raise CommandError(f"Not as promised: {', '.join(broken)}. SEED={seed} lets the same blows fall again.")

    def _print(self, found: list[Figure]) -> None:
        verdicts = {None: "", True: "as promised", False: "BROKEN"}
        for each in found:
            line = f"{each.name:<60} {each.value:>9,.6g} {each.unit:<6} {each.goal:<6} {verdicts[each.is_met]}"
            self.stdout.write(line.rstrip())


def _chaos(runs: int, seed: int, processes: int) -> Chaos:
    machines = int(os.environ.get("LAB_CROWD", "0"))
    needed = max(2 * STEPS, -(-runs // RUNS_A_MACHINE))
    if machines < needed:
        raise CommandError(f"{runs} runs need LAB_CROWD={needed}.")
    supply = Supply(_cast(), count=runs, at_once=AT_ONCE, machines=machines)
    furnish(machines)
    folder = settings.DATA_DIR / "chaos"
    folder.mkdir(exist_ok=True)
    hosts = Hosts(folder, workers.environment(), processes=processes)
    hosts.start()
    striker = Striker(hosts, lab=lambda: _kill("lab"), postgres=lambda: _kill("postgres"))
    return Chaos(supply, hosts, striker, blows(seed), Watch())


def _kill(name: str) -> None:
    """Kill -9 of one of the launcher's children, which it starts again."""
    if child := site.children().get(name):
        child.kill()


def _cast() -> Cast:
    """Of the demonstration people: an engineer, two approvers, an operator, a policy admin."""
    return Cast(*(Person.objects.get(username=name) for name in ("erin", "ana", "arun", "omar", "petra")))
