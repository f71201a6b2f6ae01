"""Status as data: which state may follow which, asked by services, enforced by a trigger made from the same table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

State = TypeVar("State", bound=str)


def can(next_states: Mapping[State, Collection[State]], old: State, new: State) -> bool:
    """True if `new` may directly follow `old`. A state that the table does not list is an end."""
    return new in next_states.get(old, ())


def trigger_sql(table: str, column: str, next_states: Mapping[State, Collection[State]]) -> list[str]:
    """Statements that make the database refuse every change of `column` that `next_states` does not list.

    The refusal is a check violation (SQLSTATE 23514) whose message names both states. For `migrations.RunSQL`.
    """
    function, trigger = _names(table, column)
    field = _identifier(column)
    return [
        f"""CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $moves$
BEGIN
    IF NEW.{field} IS DISTINCT FROM OLD.{field} AND ({_condition(field, next_states)}) IS NOT TRUE THEN
        RAISE EXCEPTION '% cannot go from % to %', {_literal(f"{table}.{column}")}, OLD.{field}, NEW.{field}
            USING ERRCODE = '23514', TABLE = {_literal(table)}, CONSTRAINT = {_literal(f"{table}_{column}_moves")};
    END IF;
    RETURN NEW;
END
$moves$""",
        f"""CREATE OR REPLACE TRIGGER {trigger} BEFORE UPDATE OF {field} ON {_identifier(table)}
FOR EACH ROW EXECUTE FUNCTION {function}()""",
    ]


def drop_sql(table: str, column: str) -> list[str]:
    """Statements that undo `trigger_sql`."""
    function, trigger = _names(table, column)
    return [f"DROP TRIGGER IF EXISTS {trigger} ON {_identifier(table)}", f"DROP FUNCTION IF EXISTS {function}()"]


def _names(table: str, column: str) -> tuple[str, str]:
    name = _identifier(f"{table}_{column}_moves")
    return name, name


def _condition(field: str, next_states: Mapping[State, Collection[State]]) -> str:
    lines = [
        f"OLD.{field} = {_literal(old)} AND NEW.{field} IN ({', '.join(_literal(new) for new in sorted(news))})"
        for old, news in sorted(next_states.items())
        if news
    ]
    return "\n        OR ".join(lines) or "FALSE"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
