"""`manage.py rebuild_patterns`: every pattern's figures from its occurrences, in one go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from patterns import services
from patterns.models import Pattern


class Command(BaseCommand):
    help = "Compute every pattern's figures again from its occurrences and say which were wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refold them one by one; each is its own transaction."""
        wrong = 0
        for pattern in Pattern.objects.order_by("pk").iterator():
            if services.refold(pattern.pk, at=timezone.now()):
                wrong += 1
                self.stdout.write(f"{pattern.pk} {pattern.title}: the figures were put right.")
        self.stdout.write(f"{Pattern.objects.count()} patterns rebuilt, {wrong} had to be put right.")
