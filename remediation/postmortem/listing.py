"""Lists of postmortems and their versions, page by page, for pages and API alike."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import Http404

from portal.access import grants
from portal.access.models import Person
from portal.kit.diff import Diff, diff_of
from portal.kit.paging import Page, Per, page_of
from remediation.postmortem.models import Postmortem, Version
from remediation.tickets.models import Ticket

PAGE = 30
VERSIONS = 50
NEWEST_FIRST = ["-id"]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions and what differs."""

    old: Version
    new: Version
    diff: Diff


def postmortems(person: Person, *, after: str | None = None, size: int = PAGE) -> Page[Postmortem]:
    """The postmortems of the categories a person may see, newest first, each with its newest version's time."""
    seen = Per("category_id", [each.pk for each in grants.categories(person, "see")])
    rows = Postmortem.objects.select_related("ticket", "category").annotate(
        written_at=_newest("created_at"), written_by=_newest("author__username")
    )
    return page_of(rows, order=NEWEST_FIRST, after=after, size=size, per=seen)


def of(ticket: Ticket) -> Postmortem | None:
    """A ticket's postmortem."""
    found = Postmortem.objects.filter(ticket=ticket).first()
    if found:
        found.ticket = ticket
    return found


def version_of(ticket: Ticket, number: int = 0) -> Version:
    """A version of a ticket's postmortem, the newest one without a number; Http404 where there is none."""
    rows = Version.objects.filter(postmortem__ticket=ticket).select_related("author", "postmortem")
    found = rows.filter(number=number or F("postmortem__newest")).first()
    if found is None:
        raise Http404
    return found


def versions(ticket: Ticket, *, after: str | None = None, size: int = VERSIONS) -> Page[Version]:
    """The versions of a ticket's postmortem, newest first, without their texts."""
    rows = Version.objects.filter(postmortem__ticket=ticket).select_related("author").defer("text")
    return page_of(rows, order=["-number"], after=after, size=size)


def compared(ticket: Ticket, old: int, new: int) -> Compared:
    """What the version `new` says that the version `old` does not, and the other way round."""
    before, after = version_of(ticket, old), version_of(ticket, new)
    return Compared(before, after, diff_of(before.text, after.text, path="postmortem.md"))


def _newest(column: str) -> Subquery:
    rows: QuerySet[Version] = Version.objects.filter(postmortem=OuterRef("pk"), number=OuterRef("newest"))
    return Subquery(rows.values(column)[:1])
