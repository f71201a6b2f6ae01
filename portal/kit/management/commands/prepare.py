"""Bring a database up to this version: migrate, grant, seed. `make run` and installations run it as the owner."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

STEPS = {
    "migrate": "tables",
    "grant_privileges": "privileges of the runtime roles",
    "seed": "roles, people, policies, runbooks",
}


class Command(BaseCommand):
    """Can be run again at any time."""

    help = "Migrate, grant privileges, seed."

    def handle(self, *args: Any, **options: Any) -> None:
        for command, what in STEPS.items():
            self.stdout.write(f"{what} ...")
            call_command(command, verbosity=0, stdout=self.stdout)
