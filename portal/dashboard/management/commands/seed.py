"""`manage.py seed`: what a new installation starts with; `--demo` adds people, the lab and a token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.dashboard import seeds


class Command(BaseCommand):
    help = "Load roles, categories, policies and runbooks; with --demo also people, services, the lab and a token."

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch."""
        parser.add_argument("--demo", action="store_true", help="also what a demonstration needs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Can be run again: it adds what is missing and keeps what people changed."""
        at = timezone.now()
        seeds.load(at)
        if options["demo"]:
            seeds.load_demo(at, keep_in=settings.DATA_DIR / "demo.json")
        self.stdout.write("Roles, categories, policies and runbooks are loaded.")
