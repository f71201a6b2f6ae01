"""`manage.py incident_bundle INC-1 --out INC-1.zip` writes the incident bundle of a ticket to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.dashboard.bundle import making
from portal.kit.refusals import Refused
from remediation.tickets.models import Ticket

LARGEST = 256 * 1024 * 1024


class Command(BaseCommand):
    help = "Writes everything about a ticket into one signed file that is checked without this server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the ticket's key")
        parser.add_argument("--out", type=Path, required=True, help="the file to write; one that exists is kept")

    def handle(self, *_: Any, key: str, out: Path, **__: Any) -> None:
        ticket = Ticket.objects.filter(key=key).first()
        if ticket is None:
            raise CommandError(f"There is no ticket {key}.")
        try:
            data = making.made(ticket.pk, at=timezone.now(), largest=LARGEST)
            with out.open("xb") as file:
                file.write(data)
        except (Refused, OSError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            f"{out}: {len(data):,} bytes. Check it: python verify_bundle.py {out} --key {making.public_key()}"
        )
