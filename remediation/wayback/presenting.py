"""What the page and the API say about the operations of the catalogue and their ways back. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.access import grants
from portal.access.models import Person
from portal.kit.charts import Chart, Series, bar_chart
from remediation.connectors.catalogue import OPERATIONS, AnyOperation
from remediation.connectors.standins import REVERSIBLE
from remediation.wayback import services as waysback
from remediation.wayback.models import Taken
from remediation.wayback.record import Record

NEWEST = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One operation of the catalogue with what is known of its way back."""

    operation: AnyOperation
    record: Record


def rows() -> list[Row]:
    """Every operation, family by family; the ways back of all of them in one query."""
    records = waysback.records_of(REVERSIBLE)
    return [Row(operation, records.get(name) or without(name)) for name, operation in OPERATIONS.items()]


def row(name: str) -> Row:
    """One operation of the catalogue."""
    record = waysback.records_of([name])[name] if name in REVERSIBLE else without(name)
    return Row(OPERATIONS[name], record)


def without(name: str) -> Record:
    """What is known of a way back that does not exist."""
    return Record(name, missing="there is none.")


def chart(shown: Sequence[Row]) -> Chart | None:
    """The success rate of every way back that was taken, beside what it is at least; None while there is none."""
    taken = [row for row in shown if row.record.taken]
    if not taken:
        return None
    series = [
        Series("Worked", [row.record.percent for row in taken]),
        Series("At least, with 95 % confidence", [row.record.bound for row in taken]),
    ]
    return bar_chart("Ways back that worked", [row.operation.name for row in taken], series, unit=" %")


def newest(operation: str, person: Person) -> list[Taken]:
    """The last times the way back of one operation was taken, in the categories a person may see."""
    seen = Taken.objects.filter(operation=operation, category__in=grants.categories(person, "see"))
    return list(seen.order_by("-id")[:NEWEST])
