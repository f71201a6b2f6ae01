"""`manage.py walkthrough`: the whole loop on three incidents, told as it happens; fails if any step did not happen."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.dashboard.walkthrough import homeward, incidents, tour
from portal.dashboard.walkthrough.cast import acting, put_back_the_lab
from portal.dashboard.walkthrough.site import Refusal
from remediation.playbooks import jail


class Command(BaseCommand):
    help = "Open three incidents as the demonstration people: one is resolved, one left waiting, one becomes a role."

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
                self._carry_home(cast, at)
        except (tour.DidNotHappen, Refusal, OSError) as error:
            raise CommandError(f"The walkthrough stopped: {error}") from error
        self._say("Done. What waits for a decision is in the queue.")

    def _carry_home(self, cast: tour.Cast, at: datetime) -> None:
        """The part with Ansible, where this host can run it and there is a repository of roles."""
        self._say("3  Disk full on log shippers, again: an Ansible role")
        repository = settings.ROLE_REPOSITORY
        if reason := jail.missing() or ("" if repository.url else "No role repository is configured."):
            self._say(f"   left out  {reason}")
            return
        incident = incidents.log_hygiene(f"INC-{at:%m%d%H%M%S}-ROLE", at)
        homeward.carry_home(cast, incident, self._say, repository=repository.url)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
