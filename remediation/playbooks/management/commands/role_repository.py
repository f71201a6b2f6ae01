"""Writes the CI files of a role repository: `manage.py role_repository --ci gitlab --out CHECKOUT`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from remediation.playbooks.repository import ci


class Command(BaseCommand):
    help = "Write what the CI of a role repository needs: the static gate as one file, the checks, the pipeline."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ci", choices=sorted(ci.SYSTEMS), required=True, help="which system runs them")
        parser.add_argument("--out", type=Path, required=True, help="a checkout of the role repository")

    def handle(self, *args: Any, **options: Any) -> None:
        for name, content in ci.files_for(options["ci"]).items():
            path: Path = options["out"] / name
            if not path.resolve().is_relative_to(options["out"].resolve()):
                raise CommandError(f"{path} is a link that leads out of the checkout. Nothing is written there.")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            except OSError as error:
                raise CommandError(f"{path} cannot be written: {error}.") from error
            self.stdout.write(f"Wrote {path}.")
