"""The trail as a file, of any length in constant memory.

Each piece is a page of its own, read when the one before has been sent: no transaction stays open while somebody
downloads slowly.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any

from portal.audit import reads
from portal.audit.models import Event
from portal.audit.proofs import as_stamped
from portal.audit.sealing import STAMPED

COLUMNS = (*STAMPED, "seal", "body")
_RUNS_AS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(filters: reads.Filters) -> Iterator[dict[str, Any]]:
    """The events that fit, newest first: what their leaves cover, their seal (null: none yet) and their body."""
    after, is_first = None, True
    while is_first or after:
        page = reads.events(filters, after=after, size=reads.EXPORTED_AT_ONCE)
        seals = reads.seals(page.items)
        yield from (row_of(event, seals.get(event.pk)) for event in page.items)
        after, is_first = page.next, False


def row_of(event: Event, sealed: reads.Sealed | None) -> dict[str, Any]:
    """All that is stored of an event."""
    return {**as_stamped(event), "seal": sealed.number if sealed else None, "body": event.body}


def as_json(filters: reads.Filters) -> Iterator[str]:
    """One JSON array, one event a line."""
    yield "["
    between = "\n"
    for row in rows(filters):
        yield between + json.dumps(row, ensure_ascii=False)
        between = ",\n"
    yield "\n]\n"


def as_csv(filters: reads.Filters) -> Iterator[str]:
    """A header and one line per event. What a spreadsheet would run as a formula begins with an apostrophe."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows(filters):
        yield writer.writerow([harmless(row[name]) for name in COLUMNS])


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RUNS_AS_A_FORMULA) else value


FORMATS: dict[str, tuple[str, Callable[[reads.Filters], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
}


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text
