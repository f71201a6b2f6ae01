"""`manage.py chaos`: blows at random on the installation whose launcher started it, then a reckoning with the lab."""

from __future__ import annotations

import json
import os
import secrets
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.access.models import Person
from portal.dashboard.bench import machine, site
from portal.dashboard.chaos.blows import blows
from portal.dashboard.chaos.hosts import Hosts
from portal.dashboard.chaos.running import Chaos
from portal.dashboard.chaos.striking import Striker
from portal.dashboard.chaos.supply import Cast, Supply
from portal.dashboard.chaos.watching import Watch
from portal.dashboard.walkthrough.cast import put_back_the_lab
from portal.kit.figures import Figure
from portal.launch import roles, vault
from remediation.tickets.models import Ticket

RUNS = 1_000
AT_ONCE = 24
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
            found = chaos.figures(_ledger())
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
    if runs > machines * RUNS_A_MACHINE:
        raise CommandError(f"{runs} runs need LAB_CROWD={-(-runs // RUNS_A_MACHINE)}.")
    supply = Supply(_cast(), count=runs, at_once=AT_ONCE, machines=machines)
    supply.furnish()
    folder = settings.DATA_DIR / "chaos"
    folder.mkdir(exist_ok=True)
    hosts = Hosts(folder, _environment(), processes=processes)
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


def _environment() -> dict[str, str]:
    """What a worker of the execution queue is given: its own secrets and its own database role."""
    own = vault.without_foreign("execution", os.environ)
    return {**own, "COUNTERSIGN_PROCESS": "execution", "DATABASE_URL": _url()}


def _url() -> str:
    password = vault.Keeper(Path(settings.DATA_DIR) / "secrets").get("execution_password")
    return roles.url_as(os.environ["DATABASE_URL"], roles.role_of("execution"), password)


def _ledger() -> list[dict[str, Any]]:
    """Every line of the lab's ledger."""
    headers = {"Authorization": f"Bearer {os.environ.get('LAB_ADMIN_TOKEN', '')}"}
    request = urllib.request.Request(f"{settings.LAB_URL}/lab/ledger", headers=headers)  # noqa: S310 - the lab's own
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        lines: list[dict[str, Any]] = json.load(answer)["lines"]
    return lines
