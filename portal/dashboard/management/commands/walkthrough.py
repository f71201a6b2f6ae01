"""`manage.py walkthrough`: the whole loop on two incidents, told as it happens; fails if any step did not happen."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.dashboard.walkthrough import tour
from portal.dashboard.walkthrough.cast import acting, put_back_the_lab
from portal.dashboard.walkthrough.site import Refusal


class Command(BaseCommand):
    help = "Open two incidents as the demonstration people; resolve one in the lab, leave the other in the queue."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the site answers."""
        url = os.environ.get("WALKTHROUGH_URL", f"http://127.0.0.1:{settings.PORT}")
        parser.add_argument("--url", default=url, help="address of the running site")

    def handle(self, *args: Any, **options: Any) -> None:
        """With tokens of its own."""
        at = timezone.now()
        try:
            with acting(options["url"], at=at) as cast:
                put_back_the_lab()
                tour.walk(cast, suffix=f"{at:%m%d%H%M%S}", at=at, say=self._say)
        except (tour.DidNotHappen, Refusal, OSError) as error:
            raise CommandError(f"The walkthrough stopped: {error}") from error
        self._say("Done: one incident resolved, one waiting for a decision.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
