"""Packs the static gate for a role repository: `manage.py role_gate --out role-gate.pyz`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from remediation.playbooks.gate import packing


class Command(BaseCommand):
    help = "Write the static gate as one file that runs with Python and PyYAML alone: python3 role-gate.pyz FOLDER."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", default="role-gate.pyz", help="where to write it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            path = packing.zipapp(options["out"])
        except OSError as error:
            raise CommandError(f"{options['out']} cannot be written: {error}.") from error
        self.stdout.write(f"Wrote {path}.")
