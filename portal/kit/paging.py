"""Keyset pages: one query per page at any depth; rows that arrive meanwhile neither repeat nor hide others."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import BooleanField, F, Field, Model, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan
from django.http import QueryDict
from django.utils.timezone import is_naive

from portal.kit.refusals import Refused, because

Row = TypeVar("Row", bound=Model)
Direction = Literal["after", "before"]
LONGEST_CURSOR = 1_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in order, and the cursors of the pages beside them (None: there is none)."""

    items: list[Row]
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Per:
    """Rows whose `column` (a foreign key's id) has one of these values, read value by value along an index."""

    column: str
    values: Collection[int]


@dataclass(frozen=True, slots=True)
class _Cursor:
    direction: Direction
    values: tuple[Any, ...]


def page_of(
    queryset: QuerySet[Row],
    *,
    order: Sequence[str],
    after: str | None,
    size: int,
    max_size: int = 200,
    per: Per | None = None,
) -> Page[Row]:
    """The page of `queryset` that the cursor `after` names, the first one without a cursor.

    `order` are column names or annotations without nulls, "-" for descending, the last one unique. `per` narrows the
    list to some values of a column and keeps it fast where those are few or old. Raises Refused, naming the field
    `size` or `after`, for a size out of range or for a cursor that was not made for this order.
    """
    if not 1 <= size <= max_size:
        raise Refused(because("out_of_range", f"A page holds 1 to {max_size} rows.", "size"))
    cursor = _decode(after, queryset, order) if after else None
    backwards = cursor is not None and cursor.direction == "before"
    wanted = _rows(queryset, _reversed(order) if backwards else order, cursor, per, size + 1)
    rows = list(wanted)
    has_more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    has_next = bool(rows) and (backwards or has_more)
    has_previous = bool(rows) and (has_more if backwards else cursor is not None)
    return Page(
        rows,
        _encode("after", rows[-1], order) if has_next else None,
        _encode("before", rows[0], order) if has_previous else None,
    )


def neighbours(page: Page[Any], query: QueryDict) -> dict[str, str | None]:
    """The query strings of the pages beside a page, the rest of the address kept, for `components/pager.html`."""
    return {"newer": _beside(page.previous, query), "older": _beside(page.next, query)}


def _beside(cursor: str | None, query: QueryDict) -> str | None:
    if cursor is None:
        return None
    beside = query.copy()
    beside["after"] = cursor
    return f"?{beside.urlencode()}"


def _rows(
    queryset: QuerySet[Row], order: Sequence[str], cursor: _Cursor | None, per: Per | None, limit: int
) -> QuerySet[Row]:
    beyond = _beyond(order, cursor.values) if cursor else Q()
    if per is None:
        return queryset.filter(beyond).order_by(*order)[:limit]
    return queryset.filter(_first_per_value(queryset.filter(beyond), order, per, limit)).order_by(*order)


def _first_per_value(queryset: QuerySet[Row], order: Sequence[str], per: Per, limit: int) -> RawSQL:
    """Whether a row is among the first of all values: the first of each by LATERAL, then the first of these.

    An array of keys, for a join with them reads everything that the other conditions leave.
    """
    keys = {f"key{number}": F(_name(field)) for number, field in enumerate(order)}
    of_one = queryset.filter(**{per.column: RawSQL("wanted.value", ())}).order_by(*order)
    sql, params = of_one.values(row=F("pk"), **keys)[:limit].query.sql_with_params()
    columns = ", ".join(["row", *keys])
    directions = ", ".join(f"{key}{' DESC' if field[0] == '-' else ''}" for key, field in zip(keys, order, strict=True))
    meta = queryset.model._meta
    return RawSQL(  # noqa: S611 - Django's own SQL and our table and column names
        f"{meta.db_table}.{meta.pk.column} = ANY (ARRAY("  # noqa: S608
        f"SELECT row FROM unnest(%s::bigint[]) AS wanted(value) CROSS JOIN LATERAL ({sql}) AS found({columns})"
        f" ORDER BY {directions} LIMIT %s))",
        [sorted(per.values), *params, limit],
        output_field=BooleanField(),
    )


def _beyond(order: Sequence[str], values: tuple[Any, ...]) -> Q:
    """The rows that come later in `order` than these values: one comparison if all directions agree, else ORs."""
    names = [_name(field) for field in order]
    descending = {field.startswith("-") for field in order}
    if len(descending) == 1:
        comparison = TupleLessThan if descending.pop() else TupleGreaterThan
        return Q(comparison(tuple(F(name) for name in names), values))
    # The first bound is implied by the rest; it is the one that an index can use.
    beyond, equal = Q(), Q()
    for field, name, value in zip(order, names, values, strict=True):
        beyond |= equal & Q(**{f"{name}__{'lt' if field.startswith('-') else 'gt'}": value})
        equal &= Q(**{name: value})
    return Q(**{f"{names[0]}__{'lte' if order[0].startswith('-') else 'gte'}": values[0]}) & beyond


def _name(field: str) -> str:
    return field.removeprefix("-")


def _reversed(order: Sequence[str]) -> list[str]:
    return [_name(field) if field.startswith("-") else f"-{field}" for field in order]


def _encode(direction: Direction, row: Model, order: Sequence[str]) -> str:
    values = [getattr(row, _name(field)) for field in order]
    text = json.dumps([direction, list(order), values], cls=_Exact, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class _Exact(DjangoJSONEncoder):
    """Django's encoder cuts datetimes to milliseconds, which would repeat or skip rows of the same millisecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)


def _decode(text: str, queryset: QuerySet[Row], order: Sequence[str]) -> _Cursor:
    try:
        padded = text[:LONGEST_CURSOR] + "=" * (-len(text) % 4)
        direction, made_for, raw = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        fields = [_field(queryset, _name(field)) for field in order]
        values = tuple(map(_value, fields, raw))
    except (ValueError, TypeError, ValidationError, RecursionError) as error:
        raise _not_a_cursor() from error
    if direction not in ("after", "before") or made_for != list(order) or len(raw) != len(order):
        raise _not_a_cursor()
    return _Cursor(direction, values)


def _not_a_cursor() -> Refused:
    return Refused(because("bad_cursor", "This is not a cursor of this list.", "after"))


def _field(queryset: QuerySet[Row], name: str) -> Field[Any, Any]:
    """The field that knows the type of a column or of an annotation."""
    annotation = queryset.query.annotations.get(name)
    if annotation is not None:
        return annotation.output_field
    field: Any = queryset.model._meta.get_field(name)
    target: Field[Any, Any] = getattr(field, "target_field", field)
    return target


def _value(field: Field[Any, Any], raw: object) -> Any:
    """The value as the field's own type; nothing that the database would refuse gets through."""
    if not isinstance(raw, str | int | float) or "\x00" in str(raw):
        raise ValueError("not a value")
    str(raw).encode()
    value = field.to_python(raw)
    if isinstance(value, datetime) and is_naive(value):
        raise ValueError("no time zone")
    field.run_validators(value)
    return value
