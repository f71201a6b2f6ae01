"""What a person chose to be told, where: the choices as a table, and how they are kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from portal.access.models import Person
from portal.notices.kinds import KINDS, Kind
from portal.notices.models import Preference


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of notice and where it goes for one person."""

    kind: Kind
    in_inbox: bool
    by_mail: bool


def choices_of(person: Person) -> list[Choice]:
    """Every kind, as the person chose it or as it is by default."""
    chosen = {row.kind: row for row in Preference.objects.filter(person=person)}
    return [_choice(kind, chosen.get(kind.slug)) for kind in KINDS.values()]


def choose(person: Person, *, in_inbox: Collection[str], by_mail: Collection[str]) -> None:
    """Keep the whole table: the kinds wanted in the inbox and by mail. What is mandatory stays in the inbox."""
    Preference.objects.bulk_create(
        [
            Preference(
                person=person,
                kind=kind.slug,
                in_inbox=kind.is_mandatory or kind.slug in in_inbox,
                by_mail=kind.slug in by_mail,
            )
            for kind in KINDS.values()
        ],
        update_conflicts=True,
        unique_fields=["person", "kind"],
        update_fields=["in_inbox", "by_mail"],
    )


def _choice(kind: Kind, row: Preference | None) -> Choice:
    if row is None:
        return Choice(kind, in_inbox=True, by_mail=kind.by_mail)
    return Choice(kind, row.in_inbox, row.by_mail)
