"""Lists of patterns and of what happened to one, page by page, for pages and API alike."""

from __future__ import annotations

from patterns.models import Occurrence, Pattern
from portal.access import grants
from portal.access.models import Person
from portal.kit.paging import Page, page_of

PAGE = 50
MOST_FREQUENT_FIRST = ["-occurrences", "id"]


def patterns(
    person: Person, *, category: str = "", min_occurrences: int = 0, after: str | None = None, size: int = PAGE
) -> Page[Pattern]:
    """The patterns of the categories a person may see, most frequent first. Refused for an unknown category."""
    permitted = grants.categories(person, "see", slug=category)
    rows = Pattern.objects.filter(category__in=permitted, occurrences__gte=min_occurrences).select_related("category")
    return page_of(rows, order=MOST_FREQUENT_FIRST, after=after, size=size)


def occurrences(pattern: Pattern, *, after: str | None = None, size: int = PAGE) -> Page[Occurrence]:
    """What happened to the tickets of a pattern, newest first."""
    return page_of(pattern.events.all(), order=["-id"], after=after, size=size)
