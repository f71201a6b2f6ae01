"""`manage.py walkthrough`: the whole loop on two incidents, told as it happens; fails if any step did not happen."""

from __future__ import annotations

import os
import urllib.request
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.access import tokens
from portal.access.models import Person, Scope, Token
from portal.dashboard.walkthrough import tour
from portal.dashboard.walkthrough.site import Api, Refusal
from portal.kit.actors import Actor

COMMAND = Actor("system", None, "walkthrough", "command")
CAST = {"engineer": "erin", "reviewer": "rita", "merge_approver": "ana", "rollout_approver": "arun"}


class Command(BaseCommand):
    help = "Open two incidents as the demonstration people; resolve one in the lab, leave the other in the queue."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the site answers."""
        url = os.environ.get("WALKTHROUGH_URL", f"http://127.0.0.1:{settings.PORT}")
        parser.add_argument("--url", default=url, help="address of the running site")

    def handle(self, *args: Any, **options: Any) -> None:
        """With tokens of its own, which are revoked at the end whatever happens."""
        at = timezone.now()
        issued = {part: self._issue(username, at) for part, username in CAST.items()}
        cast = tour.Cast(**{part: Api(options["url"], text, CAST[part]) for part, (_, text) in issued.items()})
        try:
            put_back_the_lab()
            tour.walk(cast, suffix=f"{at:%m%d%H%M%S}", at=at, say=self._say)
        except (tour.DidNotHappen, Refusal, OSError) as error:
            raise CommandError(f"The walkthrough stopped: {error}") from error
        finally:
            for token, _ in issued.values():
                tokens.revoke(token_id=token.pk, actor=COMMAND, at=timezone.now())
        self._say("Done: one incident resolved, one waiting for a decision.")

    def _issue(self, username: str, at: datetime) -> tuple[Token, str]:
        person = Person.objects.filter(username=username).first()
        if person is None:
            raise CommandError("The demonstration people are missing: run `manage.py seed --demo` first.")
        return tokens.issue(
            person=person,
            name="walkthrough",
            scopes=Scope.values,
            actor=COMMAND,
            at=at,
            expires_at=at + timedelta(hours=1),
        )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def put_back_the_lab() -> None:
    """The lab as on its first day, so that the first incident is there to be resolved again."""
    headers = {"Authorization": f"Bearer {os.environ.get('LAB_ADMIN_TOKEN', '')}"}
    request = urllib.request.Request(f"{settings.LAB_URL}/lab/reset", method="POST", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - the lab's own address
        pass
