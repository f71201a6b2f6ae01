"""`manage.py confirm alice`: the operator of the host says who came in by a link, where there is nobody else yet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.access import invitations
from portal.access.models import Person
from portal.kit.actors import Actor

BY = Actor("system", None, "manage.py", "command")


class Command(BaseCommand):
    help = "Confirms that a person who came in by a link is who the link was for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a person's name")

    def handle(self, *_: Any, name: str, **__: Any) -> None:
        person = Person.objects.filter(username=name).first()
        if person is None:
            raise CommandError(f"There is nobody called {name}.")
        if not invitations.confirm_on_the_host(person, actor=BY, at=timezone.now()):
            raise CommandError(f"{name} does not wait to be confirmed.")
        self.stdout.write(f"{name} is confirmed.")
