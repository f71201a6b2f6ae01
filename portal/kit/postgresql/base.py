"""The engine's one class, under the name by which Django looks for it."""

from __future__ import annotations

import select
import sys
from functools import lru_cache
from typing import Any, Self, cast

from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, Cursor
from psycopg._queries import PostgresQuery, _query2pg_nocache
from psycopg.pq import TransactionStatus


class _Operations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> Any:
        """For those who look at what was sent: a prepared text as it is, its values go beside it."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    """A server says something unasked only when it ends a connection: as long as it is silent, the connection is good.

    Django asks with `SELECT 1` at the start of every request, which is a tenth of what accepting a ticket costs.
    """

    ops_class = _Operations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """One that prepares what it is told to, and nothing by itself."""
        connection: Connection[Any] = super().get_new_connection(conn_params)
        connection.prepare_threshold = sys.maxsize
        return connection

    def is_usable(self) -> bool:
        """Whether a server answers the next query; one that said something, or is in a transaction, is asked."""
        if self.connection is None or self.connection.closed:
            return False
        is_at_rest = self.connection.info.transaction_status == TransactionStatus.IDLE
        return (is_at_rest and _is_silent(self.connection)) or bool(super().is_usable())

    def prepared(self) -> CursorWrapper:
        """A cursor for texts that never change: the server parses one once per connection and keeps its plan.

        For a short read by its key that is most of what the read costs it.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: CursorWrapper = cast("Any", self)._prepare_cursor(_PreparedCursor(self.connection))  # noqa: SLF001
        return cursor


class _KnownQuery(PostgresQuery):
    """Takes a text apart once; psycopg does so each time where a text is long or has many parameters."""

    __slots__ = ()

    def convert(self, query: Any, vars: Any) -> None:  # noqa: A002 - psycopg's name
        if vars is None or not isinstance(query, str):
            super().convert(query, vars)
        else:
            self.query, self._want_formats, self._order, self._parts = _taken_apart(query, self._tx.encoding)
            self.dump(vars)


@lru_cache(maxsize=1024)
def _taken_apart(query: str, encoding: str) -> tuple[bytes, list[Any], list[str] | None, list[Any]]:
    return _query2pg_nocache(query.encode(encoding), encoding)


class _PreparedCursor(Cursor[Any]):
    _query_cls = _KnownQuery

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        return super().execute(query, params, **{**options, "prepare": True})


def _is_silent(connection: Connection[Any]) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
