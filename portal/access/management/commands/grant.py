"""`manage.py grant alice sign_merge network` lets one person, or one group, do one thing in one category."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.access import grants
from portal.access.models import Person
from portal.estate.models import VERBS, Category
from portal.kit.actors import Actor

BY = Actor("system", None, "manage.py", "command")


class Command(BaseCommand):
    help = "Grants a verb in one category to a person or a group, or takes the grant back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("holder", help="a person's or a group's name")
        parser.add_argument("verb", choices=sorted(VERBS))
        parser.add_argument("category", help="a category's slug")
        parser.add_argument("--take-back", action="store_true", help="end the grant instead")

    def handle(self, *_: Any, holder: str, verb: str, category: str, take_back: bool, **__: Any) -> None:
        to: Person | Group | None = Person.objects.filter(username=holder).first()
        to = to or Group.objects.filter(name=holder).first()
        where = Category.objects.filter(slug=category).first()
        if to is None:
            raise CommandError(f"There is no person and no group called {holder}.")
        if where is None:
            known = ", ".join(Category.objects.values_list("slug", flat=True))
            raise CommandError(f"There is no category {category}. Known: {known}.")
        if take_back:
            grants.take_back(of=to, verb=verb, category=where, actor=BY, at=timezone.now())
            self.stdout.write(f"Taken back from {holder}: {VERBS[verb]} in {where.name}. What roles grant stays.")
        else:
            grants.give(to=to, verb=verb, category=where, actor=BY, at=timezone.now())
            self.stdout.write(f"Given to {holder}: {VERBS[verb]} in {where.name}.")
