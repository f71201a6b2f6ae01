"""How finished tickets ended, counted per category and day: a sign-off adds up days and never counts tickets.

A trigger keeps the counts in the transaction that finishes a ticket. They can be made again from the tickets.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from portal.kit import statements

SIX_MONTHS = timedelta(days=183)

_WRONG = """
SELECT count(*) FROM policy_outcomes_counted() AS counted FULL JOIN policy_outcomeday AS kept USING (category_id, day)
 WHERE (coalesce(counted.finished, 0), coalesce(counted.resolved, 0))
       IS DISTINCT FROM (coalesce(kept.finished, 0), coalesce(kept.resolved, 0))
"""
_RECENT = """
SELECT coalesce(sum(resolved), 0)::bigint, coalesce(sum(finished), 0)::bigint
  FROM policy_outcomeday WHERE category_id = %s AND day > %s
"""
_AGAIN = """
DELETE FROM policy_outcomeday;
INSERT INTO policy_outcomeday (category_id, day, finished, resolved) SELECT * FROM policy_outcomes_counted()
"""


def recent(category_id: int, *, at: datetime) -> tuple[int, int]:
    """Resolved and finished tickets of a category in the last six months, by whole days; closed ones by how they ended.

    Reads a row per day, whatever the number of tickets.
    """
    with statements.cursor() as cursor:
        cursor.execute(_RECENT, [category_id, (at.astimezone(UTC) - SIX_MONTHS).date()])
        resolved, finished = cursor.fetchone()
    return resolved, finished


def rebuild() -> int:
    """Count every day again, while nobody finishes a ticket; returns how many days were wrong. For the owner."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE tickets_ticket, policy_outcomeday IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(_WRONG)
        (wrong,) = cursor.fetchone()
        cursor.execute(_AGAIN)
    return int(wrong)
