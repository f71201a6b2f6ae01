"""A long past, made in the database: runs by the million that are over, each with its ticket, plans and ten steps.

Rows are put in as they ended. The triggers that guard the way there rest in the one transaction that does it; those
that count finished tickets do not. Each table is analyzed before the next is made from it: planned by what it was
before, empty, a join of a million by a million would be done row by row.
"""

from __future__ import annotations

import os
import time

from django.db import connection, transaction

from portal.access.models import Person
from portal.dashboard.bench import rows
from portal.kit.figures import Figure

RUNS = int(os.environ.get("BENCH_RUNS", "1000000"))
STEPS = 10
ENDS_BADLY_ONE_IN = 10

_FILL = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE signoff_plan DISABLE TRIGGER USER;

CREATE TEMPORARY TABLE bench_past ON COMMIT DROP AS
SELECT i, i %% %(badly)s = 0 AS is_bad, now() - interval '1 day' - make_interval(mins => %(runs)s - i) AS at,
       (SELECT array_agg(id) FROM estate_category) AS categories
  FROM generate_series(1, %(runs)s) AS i;

INSERT INTO tickets_ticket (key, title, description, category_id, severity, environment, affected_systems,
                            enable_auto_remediation, status, resolution, opened_by_id, opened_at, finished_at)
SELECT 'BENCH-PAST-' || i, 'Error rate of service ' || i %% 97 || ' is above its threshold', 'It is over.',
       categories[1 + i %% cardinality(categories)], 1 + i %% 4, 'production', ARRAY['host-' || i %% 997], true,
       CASE WHEN is_bad THEN 'partially_remediated' ELSE 'resolved' END, '', %(opener)s, at, at + interval '40 minutes'
  FROM bench_past ORDER BY i;
ANALYZE tickets_ticket;

INSERT INTO tickets_evidence (ticket_id, number, kind, text, command, observed_at, environment, release, contradicts,
                              added_by_id, added_at)
SELECT id, 1, 'alert', 'One request of fifty fails.', '', opened_at, environment, '', false, opened_by_id, opened_at
  FROM tickets_ticket WHERE key LIKE 'BENCH-PAST-%%' ORDER BY id;

INSERT INTO drafting_remediation (ticket_id, number, category_id, severity, status, status_at, status_reason, drafter,
                                  risk, confidence_percent, reliability_permille, has_written, created_at)
SELECT id, 1, category_id, severity, CASE WHEN status = 'resolved' THEN 'succeeded' ELSE 'rolled_back' END, finished_at,
       '', 'runbook', 'safe_write', 80, 600, true, opened_at
  FROM tickets_ticket WHERE key LIKE 'BENCH-PAST-%%' ORDER BY id;
ANALYZE drafting_remediation;

INSERT INTO drafting_revision (remediation_id, number, drafter, content, digest, origin, created_at)
SELECT r.id, 1, r.drafter, t.key, encode(sha256(convert_to(t.key, 'UTF8')), 'hex'), '', r.created_at
  FROM drafting_remediation r JOIN tickets_ticket t ON t.id = r.ticket_id
 WHERE t.key LIKE 'BENCH-PAST-%%' ORDER BY r.id;

INSERT INTO signoff_plan (stage, subject_kind, subject_id, ticket_key, category_id, risk, severity, content, digest,
                          makers, excluded, needed, needed_groups, votes_last_minutes, valid_until, created_at, status,
                          status_at, void_reason)
SELECT 'merge', 'drafting.remediation', r.id, t.key, r.category_id, r.risk, 'sev2', t.key,
       encode(sha256(convert_to(t.key, 'UTF8')), 'hex'), ARRAY[t.opened_by_id], ARRAY[t.opened_by_id], 1, '{}', 240,
       r.created_at + interval '1 day', r.created_at, 'claimed', r.created_at, ''
  FROM drafting_remediation r JOIN tickets_ticket t ON t.id = r.ticket_id
 WHERE t.key LIKE 'BENCH-PAST-%%' ORDER BY r.id;
ANALYZE signoff_plan;

INSERT INTO signoff_plan (stage, subject_kind, subject_id, ticket_key, ticket_id, category_id, risk, severity, content,
                          digest, makers, excluded, needed, needed_groups, votes_last_minutes, valid_until, created_at,
                          status, status_at, void_reason, merge_plan_id)
SELECT 'rollout', 'drafting.remediation', r.id, t.key, t.id, r.category_id, r.risk, 'sev2', t.key,
       encode(sha256(convert_to(t.key, 'UTF8')), 'hex'), ARRAY[t.opened_by_id], ARRAY[t.opened_by_id], 1, '{}', 240,
       r.created_at + interval '1 day', r.created_at, 'claimed', r.created_at, '', merge.id
  FROM drafting_remediation r JOIN tickets_ticket t ON t.id = r.ticket_id
  JOIN signoff_plan merge ON merge.subject_id = r.id AND merge.subject_kind = 'drafting.remediation'
 WHERE t.key LIKE 'BENCH-PAST-%%' ORDER BY r.id;
ANALYZE signoff_plan;

INSERT INTO execution_run (remediation_id, plan_id, mode, status, status_at, status_reason, fence, started_at,
                           finished_at, asked, wave)
SELECT r.id, p.id, 'workers', r.status, r.status_at, '', p.id, r.created_at + interval '20 minutes', r.status_at, '',
       1
  FROM drafting_remediation r JOIN signoff_plan p ON p.subject_id = r.id AND p.subject_kind = 'drafting.remediation'
 WHERE p.stage = 'rollout' AND p.ticket_key LIKE 'BENCH-PAST-%%' ORDER BY r.id;
ANALYZE execution_run;

INSERT INTO execution_steprun (run_id, number, status, status_at, detail, idempotency_key, intended_at, acted_at)
SELECT r.id, n, CASE WHEN r.status = 'succeeded' THEN 'verified' ELSE 'rolled_back' END, r.finished_at, '',
       'bench-' || r.id || '-step-' || n, r.started_at, r.started_at
  FROM execution_run r, generate_series(1, %(steps)s) AS n WHERE r.fence = r.plan_id ORDER BY r.id, n;

ALTER TABLE signoff_plan ENABLE TRIGGER USER
"""
_WITH_ROWS = """
SELECT relname FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
PULSE_SECONDS = 5
LONGEST_REST_SECONDS = 300


def fill(opener: Person, *, count: int = RUNS) -> list[Figure]:
    """Nothing but the past; how much of it there is and how long it took to make."""
    rows.empty()
    began = time.monotonic()
    values = {"runs": count, "steps": STEPS, "badly": ENDS_BADLY_ONE_IN, "opener": opener.pk}
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _FILL.split(";"):
            cursor.execute(statement, values)
    _vacuum()
    return [
        Figure("runs put into the tables", count, ""),
        Figure("  with steps", count * STEPS, ""),
        Figure("  (making them took)", time.monotonic() - began, "s"),
    ]


def _vacuum() -> None:
    """What autovacuum does with what was filled and with what was used; it leaves an empty table alone.

    One that was analyzed while it was empty is planned as that until it is again, and read from end to end as it grows.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WITH_ROWS)
        tables = ", ".join(connection.ops.quote_name(name) for (name,) in cursor.fetchall())
        cursor.execute(f"VACUUM (ANALYZE) {tables}")


def rest() -> Figure:
    """Wait until the past is on disk: a checkpoint writes it for minutes, which is no part of what is measured next."""
    began, before = time.monotonic(), -1
    while time.monotonic() - began < LONGEST_REST_SECONDS and (now := _written()) != before:
        before = now
        time.sleep(PULSE_SECONDS)
    os.sync()
    return Figure("  (until all of it was on disk)", time.monotonic() - began, "s")


def _written() -> int:
    """Pages that checkpoints have written so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT buffers_written FROM pg_stat_checkpointer")
        (pages,) = cursor.fetchone()
    return int(pages)
