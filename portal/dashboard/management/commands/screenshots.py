"""`manage.py screenshots`: the pictures of docs/, taken from a running installation with incidents of its own."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.dashboard.pictures import camera, scene
from portal.dashboard.walkthrough.cast import acting
from portal.dashboard.walkthrough.site import Refusal
from portal.dashboard.walkthrough.tour import DidNotHappen


class Command(BaseCommand):
    help = (
        "Take the pictures of docs/pictures (`make screenshots`); needs Chromium and the requirements for developers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Set the scene, then go round."""
        at, url = timezone.now(), f"http://127.0.0.1:{settings.PORT}"
        try:
            with acting(url, at=at) as cast:
                set_up = scene.set_up(cast, suffix=f"{at:%H%M}", at=at, say=self._say)
            camera.take(
                camera.pictures(set_up),
                url=url,
                password=_password(),
                folder=settings.BASE_DIR / "docs" / "pictures",
                say=self._say,
            )
        except (camera.CannotTakePictures, DidNotHappen, Refusal, OSError) as error:
            raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _password() -> str:
    """The demonstration people's, from where the seed keeps it."""
    known = json.loads((settings.DATA_DIR / "demo.json").read_text())
    return str(known["people"][0]["password"])
