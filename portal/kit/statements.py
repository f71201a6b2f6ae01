"""Statements that are built once and asked often: what a job reads for every ticket, written with the ORM all the same.

To build a query of several tables takes the ORM ten times as long as to send it, and the server longer to plan it than
to answer. Here both happen once, in each process and on each connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, cast

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Lookup, Model, QuerySet, Value
from django.db.models.query import get_related_populators
from django.db.transaction import TransactionManagementError
from psycopg.sql import Literal

from portal.kit.postgresql.base import DatabaseWrapper

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Given:
    """Where a value goes that is known when the query is asked."""

    name: str


def given(name: str) -> Value:
    """A value of this name, inside a query."""
    return Value(Given(name))


def cursor() -> CursorWrapper:
    """A cursor for texts that never change; see the engine."""
    return cast("DatabaseWrapper", connection).prepared()


class Query(Generic[M]):
    """A query of one model, with what it selects beside it, as `build` answers it when it is asked first."""

    def __init__(self, build: Callable[[], QuerySet[M]]) -> None:
        self._build = build
        self._built: dict[str, _Ready[M]] = {}

    def all(self, **values: Any) -> list[M]:
        """The rows, for these values of everything that is `given`."""
        ready = self._ready
        if ready.locks and connection.get_autocommit():
            raise TransactionManagementError("Rows are locked inside a transaction only.")
        with cursor() as sent:
            sent.execute(ready.sql, ready.filled(values))
            return [ready.instance(row) for row in ready.converted(sent.fetchall())]

    def first(self, **values: Any) -> M | None:
        """The first row, if there is one."""
        return next(iter(self.all(**values)), None)

    def one(self, **values: Any) -> M:
        """The only row; raises the model's DoesNotExist."""
        found = self.first(**values)
        if found is None:
            raise self._ready.model.DoesNotExist(f"There is no {self._ready.model.__name__} with {values}.")
        return found

    @property
    def _ready(self) -> _Ready[M]:
        """Built once for each database role: the text leaves out what a role may not read."""
        role = str(connection.settings_dict["USER"])
        if role not in self._built:
            self._built[role] = _Ready(self._build())
        return self._built[role]


def among(field: str, name: str) -> Lookup[Any]:
    """That a field is one of the values of this name: `field = ANY(values)`, the same text for however many."""
    return _AnyOf(F(field), given(name))


def insert(row: M) -> M:
    """Adds a new row as `save(force_insert=True)` does, but sends no signals; the row knows its key afterwards."""
    _insert([row], "")
    return row


def insert_all(rows: Sequence[M]) -> Sequence[M]:
    """Adds a few new rows in one statement; for each other number of rows it is another text."""
    if rows:
        _insert(rows, "")
    return rows


def insert_unless_known(row: Model, *, by: str) -> bool:
    """The same, unless there is a row with the same value of the unique field `by`; whether it was added."""
    return _insert([row], f"ON CONFLICT ({connection.ops.quote_name(by)}) DO NOTHING")


def update(rows: type[Model], where: Mapping[str, Any], **changes: Any) -> int:
    """Writes plain values into the rows whose fields have these other plain values; how many there were."""
    text, values = _update(rows, where, changes)
    with cursor() as sent:
        sent.execute(text, values)
        return int(sent.rowcount)


def update_beside(new: Sequence[Model], rows: type[Model], where: Mapping[str, Any], **changes: Any) -> int:
    """The same, and adds new rows of other tables in one statement with it, even if it found no row to change."""
    if connection.get_autocommit():
        raise TransactionManagementError("New rows beside others are added inside a transaction only.")
    text, values = _update(rows, where, changes)
    added, more = _adding(new)
    whole = f"WITH changed AS ({text} RETURNING 1), {added} SELECT count(*) FROM changed"  # noqa: S608 - as below
    with cursor() as sent:
        sent.execute(whole, [*values, *more])
        return int(sent.fetchone()[0])


def insert_together(new: Sequence[Model]) -> None:
    """Adds new rows of several tables in one statement; they do not know their keys afterwards."""
    added, values = _adding(new)
    with cursor() as sent:
        sent.execute(f"WITH {added} SELECT", values)


class _AnyOf(Lookup):
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = compiler.compile(self.rhs)
        return f"{left} = ANY({right})", [*left_params, *right_params]


def _insert(rows: Sequence[Model], on_conflict: str) -> bool:
    text, fields, returned = _inserting(type(rows[0]), len(rows), on_conflict)
    with cursor() as sent:
        sent.execute(text, [value for row in rows for value in _filling(row, fields)])
        answers = sent.fetchall()
    for row, answer in zip(rows, answers, strict=not on_conflict):
        for field, value in zip(returned, answer, strict=True):
            setattr(row, field.attname, value)
        row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001 - as Django's own inserts do
    return bool(answers)


def _adding(new: Sequence[Model]) -> tuple[str, list[Any]]:
    """The parts of a statement that add rows beside something else, and their values.

    A model may say in `IF_KNOWN` what becomes of a row that is there already; else that is an error.
    """
    inserted = [_inserting(type(row), 1, getattr(row, "IF_KNOWN", ""))[:2] for row in new]
    added = ", ".join(f"added_{number} AS ({insert})" for number, (insert, _) in enumerate(inserted))
    return added, [value for row, (_, fields) in zip(new, inserted, strict=True) for value in _filling(row, fields)]


def _update(rows: type[Model], where: Mapping[str, Any], changes: Mapping[str, Any]) -> tuple[str, list[Any]]:
    known = {name: value for name, value in where.items() if value is not None}
    text, fields = _updating(rows, tuple(changes), tuple(known), tuple(name for name in where if name not in known))
    given_ones = (*changes.values(), *known.values())
    return text, [_prepared(field, value) for field, value in zip(fields, given_ones, strict=True)]


@cache
def _inserting(model: type[Model], count: int, on_conflict: str) -> tuple[str, list[Any], list[Any]]:
    """The text, the fields whose values it takes for each row, and those that it answers."""
    returned: list[Any] = list(model._meta.db_returning_fields)
    filled: list[Any] = [field for field in model._meta.concrete_fields if field not in returned]
    row = f"({', '.join(['%s'] * len(filled))})"
    text = f"INSERT INTO {_table(model)} ({_columns(filled)}) VALUES {', '.join([row] * count)}"  # noqa: S608 - our names
    return f"{text} {on_conflict} RETURNING {_columns(returned)}", filled, returned


@cache
def _updating(
    model: type[Model], changes: tuple[str, ...], known: tuple[str, ...], empty: tuple[str, ...]
) -> tuple[str, list[Any]]:
    """The text, and the fields whose values it takes: first those that are written, then those that are looked at."""

    def fields(names: tuple[str, ...]) -> list[Any]:
        return [model._meta.pk if name == "pk" else model._meta.get_field(name) for name in names]

    news = ", ".join(f"{_columns([field])} = %s" for field in fields(changes))
    olds = [f"{_columns([field])} = %s" for field in fields(known)]
    olds += [f"{_columns([field])} IS NULL" for field in fields(empty)]
    text = f"UPDATE {_table(model)} SET {news} WHERE {' AND '.join(olds)}"  # noqa: S608 - as above
    return text, fields(changes + known)


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _columns(fields: Iterable[Any]) -> str:
    return ", ".join(connection.ops.quote_name(field.column) for field in fields)


def _filling(row: Model, fields: Iterable[Any]) -> list[Any]:
    """What a new row has in these fields, for the database."""
    return [_prepared(field, field.pre_save(row, add=True)) for field in fields]


def _prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value.pk if isinstance(value, Model) else value, connection)


def _spelled_out(text: str, params: Iterable[Any]) -> tuple[str, list[Given]]:
    """The text with every value in it that is the same each time, and what is left to be given.

    The server may plan a prepared text for all values of its parameters. Of a status that is one of them it knows
    neither how rare it is nor that a partial index serves it, and reads all of history.
    """
    left, rest = list[Given](), iter(params)

    def put_in(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return found[0]
        value = next(rest)
        if isinstance(value, Given):
            left.append(value)
            return found[0]
        return Literal(value).as_string(connection.connection).replace("%", "%%")

    connection.ensure_connection()
    return re.sub("%[%s]", put_in, text), left


class _Ready(Generic[M]):
    """The text of a query, and how its rows become instances: what Django works out anew each time."""

    def __init__(self, queryset: QuerySet[M]) -> None:
        compiler: Any = queryset.query.get_compiler(connection=connection)
        self.model: Any = queryset.model
        self.locks = queryset.query.select_for_update
        self.sql, self._params = _spelled_out(*compiler.as_sql())
        first, last = compiler.klass_info["select_fields"][0], compiler.klass_info["select_fields"][-1] + 1
        self._own = slice(first, last)
        self._names = [column.target.attname for column, *_ in compiler.select[self._own]]
        related: Any = get_related_populators
        self._others = related(compiler.klass_info, compiler.select, connection.alias)
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])
        self._apply = compiler.apply_converters

    def converted(self, rows: list[Any]) -> list[Any]:
        """The rows with JSON and the like as Python has them."""
        return list(self._apply(rows, self._converters)) if self._converters else rows

    def filled(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters, each where it was given."""
        return [values[each.name] for each in self._params]

    def instance(self, row: Any) -> M:
        """A row as an instance, with its related ones."""
        made: M = self.model.from_db(connection.alias, self._names, row[self._own])
        for other in self._others:
            other.populate(row, made)
        return made
