"""How jobs about notices are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from portal.notices.models import Message, Outlet


@finder("notices.message")
def messages(ids: Collection[int]) -> Mapping[int, Subject]:
    """Messages, by where they lead; the words are for those who were told."""
    rows = Message.objects.filter(pk__in=ids).values_list("pk", "path")
    return {pk: Subject(f"notice {pk}", path) for pk, path in rows}


@finder("notices.outlet")
def outlets(ids: Collection[int]) -> Mapping[int, Subject]:
    """Ways out of the site, by their names."""
    rows = Outlet.objects.filter(pk__in=ids).values_list("pk", "name")
    return {pk: Subject(name, "/notices/delivery") for pk, name in rows}
