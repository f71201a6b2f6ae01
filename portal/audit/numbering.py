"""Keeps the numbers of transactions growing when a dump is restored into a server that counts from the beginning.

A seal covers transactions by their numbers, so those after a restore must be higher than any before. What the database
stamps on an event is therefore its own number plus a base, which the owner raises when that is needed.
"""

from __future__ import annotations

import logging

from django.db import connection
from psycopg import sql

logger = logging.getLogger(__name__)

_HIGHEST = """
SELECT greatest((SELECT max(until_xid) FROM audit_seal), (SELECT max(xid) + 1 FROM audit_event), 0),
       pg_current_xact_id()::text::bigint, audit_xid_base()
"""
_RAISE = "CREATE OR REPLACE FUNCTION audit_xid_base() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS {}"


def go_on() -> None:
    """Raise the base if this server's numbers are below those in the trail. For the owner, after every migration."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('audit_seal') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return  # migrated back to before there were seals
        cursor.execute(_HIGHEST)
        highest, current, base = cursor.fetchone()
        if highest > current + base:
            body = sql.Literal(f"SELECT {highest - current}::bigint")
            cursor.execute(sql.SQL(_RAISE).format(body))
            logger.warning("The trail was restored into another server: its transactions go on from %s", highest)
