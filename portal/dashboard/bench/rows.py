"""Tickets by the hundred thousand, made in the database, and three reviewers who may see 10 of 60 categories each.

What the three may see lies differently: evenly among everything, only in the oldest twentieth, or in sixty rows in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from portal.access import grants
from portal.access.models import Person
from portal.estate.models import Category
from remediation.drafting import schema
from remediation.tickets.models import Ticket

CATEGORIES = 60
WHERE = ("spread evenly", "old", "rare")
RARE_ROWS = 60
WAITS_ONE_IN = 10  # tickets; everything else is resolved
GATES = ("schema", "scope", "operations", "commands", "targets", "rollback")

# The first ten categories are old, the next ten rare, and the other forty busy; of those ten belong to `spread evenly`.
_FILL = """
CREATE TEMPORARY TABLE bench_rows ON COMMIT DROP AS
SELECT i, i %% %(waits)s = 0 OR i %% %(rare_every)s = 0 AS is_waiting, 1 + i %% 4 AS severity,
       now() - make_interval(mins => %(n)s - i) AS at,
       (%(categories)s::bigint[])[CASE WHEN i %% %(rare_every)s = 0 THEN 11 + i / %(rare_every)s %% 10
                                       WHEN i <= %(n)s / 20 THEN 1 + i %% 10
                                       ELSE 21 + i %% 40 END] AS category
  FROM generate_series(1, %(n)s) AS i;

INSERT INTO tickets_ticket (key, title, description, category_id, severity, environment, affected_systems,
                            enable_auto_remediation, status, resolution, opened_by_id, opened_at, finished_at)
SELECT 'BENCH-' || i, 'Error rate of service ' || i %% 97 || ' is above its threshold',
       'One request of fifty fails on host-' || i %% 997 || ' since the last release.', category, severity,
       'production', ARRAY['host-' || i %% 997], false,
       CASE WHEN is_waiting THEN 'awaiting_review' ELSE 'resolved' END, '',
       %(opener)s, at, CASE WHEN is_waiting THEN NULL ELSE at + interval '40 minutes' END
  FROM bench_rows ORDER BY i;

INSERT INTO drafting_remediation (ticket_id, number, category_id, severity, status, status_at, status_reason, drafter,
                                  risk, confidence_percent, reliability_permille, has_written, created_at)
SELECT t.id, 1, category, r.severity, CASE WHEN is_waiting THEN 'in_review' ELSE 'succeeded' END,
       at + interval '1 minute', '', 'runbook', 'safe_write', 80, 600, NOT is_waiting, at
  FROM bench_rows r JOIN tickets_ticket t ON t.key = 'BENCH-' || i ORDER BY i;

INSERT INTO drafting_revision (remediation_id, number, drafter, content, digest, origin, created_at)
SELECT id, 1, 'runbook', %(draft)s, encode(sha256(convert_to(%(draft)s, 'UTF8')), 'hex'), '', created_at
  FROM drafting_remediation WHERE status = 'in_review' ORDER BY id;

INSERT INTO review_gateresult (revision_id, gate, ruleset, has_passed, input_digest, findings, at)
SELECT id, gate, 'bench/1', true, digest, '[]', created_at FROM drafting_revision, unnest(%(gates)s::text[]) AS gate;

INSERT INTO signoff_plan (stage, subject_kind, subject_id, ticket_key, ticket_id, category_id, risk, severity, content,
                          digest, makers, excluded, needed, needed_groups, votes_last_minutes, valid_until, created_at,
                          status, status_at, void_reason)
SELECT 'merge', 'drafting.remediation', r.id, t.key, t.id, r.category_id, r.risk, 'sev2', text,
       encode(sha256(convert_to(text, 'UTF8')), 'hex'), ARRAY[%(opener)s], ARRAY[%(opener)s], 1, '{}', 240,
       now() + interval '1 day', r.created_at, 'open', r.created_at, ''
  FROM drafting_remediation r JOIN tickets_ticket t ON t.id = r.ticket_id,
       concat(%(draft)s, t.key) AS text
 WHERE r.status = 'in_review' ORDER BY r.id
"""
# Reservations count for an hour, and an earlier measurement shall not use up the limit of this one.
_EMPTY = """
TRUNCATE tickets_ticket, signoff_plan, policy_reservation, policy_failurebrake, execution_stepoutput, estate_targetlock
  CASCADE;
DELETE FROM jobs_job WHERE kind = 'drafting.draft'
"""
_FILLED = "tickets_ticket, drafting_remediation, drafting_revision, review_gateresult, signoff_plan"


@dataclass(frozen=True, slots=True)
class Reader:
    """A reviewer, and where among all tickets the ones lie that this person may see."""

    person: Person
    where: str


class SomebodyElses(Exception):
    """The database holds tickets that the bench did not make, and it would remove them."""


def refuse_others() -> None:
    """Raise SomebodyElses unless every ticket is the bench's own."""
    if other := Ticket.objects.exclude(key__startswith="BENCH-").first():
        raise SomebodyElses(
            f"There is a ticket {other}: the bench wants a data folder of its own, as `make bench` does."
        )


def readers() -> list[Reader]:
    """The three reviewers with their grants."""
    categories = _categories()
    parts = {"old": categories[:10], "rare": categories[10:20], "spread evenly": categories[20:30]}
    return [Reader(_reviewer(where, parts[where]), where) for where in WHERE]


def fill(count: int, opener: Person) -> None:
    """Exactly so many tickets, each with a remediation, and none besides."""
    empty()
    ids = [category.pk for category in _categories()]
    values: dict[str, Any] = {
        "n": count,
        "waits": WAITS_ONE_IN,
        "rare_every": count // RARE_ROWS,
        "categories": ids,
        "opener": opener.pk,
        "draft": _draft(),
        "gates": list(GATES),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _FILL.split(";"):
            cursor.execute(statement, values)
    with connection.cursor() as cursor:  # now, or the database would do it in the middle of the measurement
        cursor.execute(
            "VACUUM ANALYZE tickets_ticket, drafting_remediation, drafting_revision, review_gateresult, signoff_plan"
        )


def empty() -> None:
    """No ticket at all, and nothing left to draft."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY)


def _draft() -> str:
    """What every waiting row proposes: three steps, each with a note to confirm."""
    step = {
        "title": "Scale the secondary pool",
        "preflight": {"expects": "Two pods are asked for.", "command": None, "stop_if": "The number differs."},
        "action": {
            "kind": "operation",
            "operation": "scale_deployment",
            "parameters": [{"name": "replicas", "value": 6}, {"name": "expected_replicas", "value": 2}],
        },
        "blast_radius": "One pool of one service, for as long as the load lasts.",
        "verify": {"expects": "Six pods are ready.", "command": None},
        "rollback": {"kind": "catalogue", "says": "Back to two pods.", "command": None},
        "review": "Is there room for four more pods?",
        "source": "Runbook scale-deployment.",
    }
    draft = {
        "summary": "Scale the secondary pool to six pods.",
        "hypothesis": "The pool is too small for its load.",
        "facts": [{"text": "The error rate is 2.1%.", "evidence": ["E1"]}],
        "guesses": ["The primary pool recovers once load moves."],
        "scope": {"service": None, "systems": ["pool"], "allowed_changes": ["scale_deployment"], "out_of_scope": []},
        "steps": [step] * 3,
        "rollback_owner": "operators",
        "rollback_minutes": 5,
        "confidence_percent": 80,
    }
    return schema.text_of(schema.parse(draft))


def _categories() -> list[Category]:
    """The shipped categories come last, among the busy ones."""
    shipped = list(Category.objects.exclude(slug__startswith="bench-"))
    names = [f"bench-{number:02}" for number in range(CATEGORIES - len(shipped))]
    made = [Category.objects.get_or_create(slug=slug, defaults={"name": slug})[0] for slug in names]
    return [*made, *shipped]


def _reviewer(where: str, categories: list[Category]) -> Person:
    username = f"bench.{where.replace(' ', '.')}"
    person = Person.objects.filter(username=username).first() or Person.objects.create_user(username)
    for category in categories:
        for verb in ("see", "review", "sign_merge"):
            grants.give(to=person, verb=verb, category=category, actor=person.at("command"), at=timezone.now())
    return person
