"""Lends the demonstration people tokens for as long as a walk takes, and puts the lab back to its first day."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from portal.access import tokens
from portal.access.models import Person, Scope
from portal.dashboard import seeds
from portal.dashboard.walkthrough.site import Api
from portal.dashboard.walkthrough.tour import Cast, DidNotHappen
from portal.kit.actors import Actor

COMMAND = Actor("system", None, "walkthrough", "command")
PARTS = {
    "engineer": "erin",
    "reviewer": "rita",
    "merge_approver": "ana",
    "rollout_approver": "arun",
    "second_approver": "astrid",
}


@contextmanager
def acting(url: str, *, at: datetime) -> Iterator[Cast]:
    """The cast with tokens of its own, which are revoked at the end whatever happens."""
    names = PARTS.values()
    people = {person.username: person for person in Person.objects.filter(username__in=names)}
    if missing := sorted(set(names) - people.keys()):
        raise DidNotHappen(f"{', '.join(missing)} are missing: run `manage.py seed --demo` first.")
    until = at + timedelta(hours=1)
    issued = {
        part: tokens.issue(
            person=people[name], name="walkthrough", scopes=Scope.values, actor=COMMAND, at=at, expires_at=until
        )
        for part, name in PARTS.items()
    }
    try:
        yield Cast(**{part: Api(url, text, PARTS[part]) for part, (_, text) in issued.items()})
    finally:
        for token, _ in issued.values():
            tokens.revoke(token_id=token.pk, actor=COMMAND, at=timezone.now())


def put_back_the_lab() -> None:
    """The lab as on its first day, so that the first incident is there to be resolved again."""
    headers = {"Authorization": f"Bearer {os.environ.get('LAB_ADMIN_TOKEN', '')}"}
    request = urllib.request.Request(f"{settings.LAB_URL}/lab/reset", method="POST", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - the lab's own address
        pass
    seeds.put_back_lab_hosts(settings.DATA_DIR / "lab", timezone.now())
