"""The engine's one class, under the name by which Django looks for it."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    """A server says something unasked only when it ends a connection: as long as it is silent, the connection is good.

    Django asks with `SELECT 1` at the start of every request, which is a tenth of what accepting a ticket costs.
    """

    def is_usable(self) -> bool:
        """Whether a server answers the next query; one that said something, or is in a transaction, is asked."""
        if self.connection is None or self.connection.closed:
            return False
        is_at_rest = self.connection.info.transaction_status == TransactionStatus.IDLE
        return (is_at_rest and _is_silent(self.connection)) or bool(super().is_usable())


def _is_silent(connection: Connection) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
