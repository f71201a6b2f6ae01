"""Tables partitioned by id range from their first migration: how partitions stay ahead of the ids.

A partition is made by a function of the tables' owner, `<table>_extend()`, which the general cluster may call and
nobody may change: runtime roles own nothing.
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

WIDTH = 10_000_000
"""Ids per partition."""
AHEAD = 2
"""Empty partitions kept ahead of the newest id."""

_EXTEND = """
CREATE FUNCTION {table}_extend() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    wanted bigint := (SELECT last_value FROM {table}_id_seq) / {width} + {ahead};
    made integer := 0;
BEGIN
    FOR part IN 0..wanted LOOP
        IF to_regclass('{table}_p' || part) IS NULL THEN
            EXECUTE format('CREATE TABLE {table}_p%s PARTITION OF {table} FOR VALUES FROM (%s) TO (%s)',
                           part, part * {width}::bigint, (part + 1) * {width}::bigint);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION {table}_extend() FROM PUBLIC;
SELECT {table}_extend();
"""


def extend_sql(table: str) -> str:
    """For `migrations.RunSQL`, after the table and its sequence `<table>_id_seq`: the function, and its first call."""
    return _EXTEND.format(table=table, width=WIDTH, ahead=AHEAD)


def drop_sql(table: str) -> str:
    """What undoes the table and `extend_sql`."""
    return f"DROP TABLE {table}; DROP FUNCTION {table}_extend();"


def partitioned() -> list[str]:
    """The partitioned tables of the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'p' AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        return [str(name) for (name,) in cursor.fetchall()]


def extend_all() -> int:
    """Make every partition that is due; returns how many were made."""
    made = 0
    with connection.cursor() as cursor:
        for table in partitioned():
            cursor.execute(sql.SQL("SELECT {}()").format(sql.Identifier(f"{table}_extend")))
            made += cursor.fetchone()[0]
    return made
