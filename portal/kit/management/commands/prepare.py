"""Bring a database up to this version: migrate, grant, seed. `make run` and installations run it as the owner."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Can be run again at any time."""

    help = "Migrate, grant privileges, seed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="seed the demonstration too")

    def handle(self, *args: Any, **options: Any) -> None:
        self._step("migrate", "tables")
        self._step("grant_privileges", "privileges of the runtime roles")
        self._step("seed", "roles, policies, runbooks", demo=options["demo"])

    def _step(self, command: str, what: str, **options: Any) -> None:
        self.stdout.write(f"  {what} ...")
        call_command(command, verbosity=0, stdout=self.stdout, **options)
