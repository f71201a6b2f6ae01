"""`manage.py rebuild_outcomes`: the counts of finished tickets per category and day, from the tickets."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.kit.plurals import counted
from remediation.policy import outcomes


class Command(BaseCommand):
    help = "Count finished tickets per category and day again and say how many days were wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        """In one transaction; nobody finishes a ticket meanwhile."""
        self.stdout.write(f"{counted(outcomes.rebuild(), 'day')} had to be put right.")
