"""What waits for people: the queue with what each row still lacks, and its figures, all bounded by what waits now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.kit import memo, statements
from portal.kit.paging import Page
from portal.kit.statements import Query, among
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors.operations import Risk
from remediation.desk import reads
from remediation.desk.reads import Filters
from remediation.drafting.models import Remediation
from remediation.drafting.states import WAITING, Status
from remediation.policy import approving
from remediation.review.checklist import items_in

OPEN = Q(status=PlanStatus.OPEN)
MOST = 100
"""Where counting stops."""
_FIGURES = """
WITH asked AS (SELECT coalesce(%(seen)s::bigint[], ARRAY(SELECT id FROM estate_category)) AS categories,
                      %(waiting)s::text[] AS statuses)
SELECT (SELECT count(*) FROM (SELECT FROM drafting_remediation, asked
                               WHERE category_id = ANY (categories) AND status = ANY (%(waiting)s::text[])
                               LIMIT %(most)s) AS counted),
       (SELECT min(status_at)
          FROM asked, unnest(categories) AS category (id), unnest(statuses) AS status (name),
               LATERAL (SELECT status_at FROM drafting_remediation
                         WHERE category_id = category.id AND drafting_remediation.status = status.name
                         ORDER BY status_at LIMIT 1) AS found)
"""


# Of each remediation: its newest revision with each gate's newest verdict on it and who asked for changes, the REVIEW
# items whose newest answer is yes, and who is on it. One look per table and row, whatever was said before.
_SAID = """
SELECT asked.id, head.content, coalesce(gates.names, '{}'), coalesce(gates.passed, '{}'),
       coalesce(changes.people, '{}'), coalesce(ticks.items, '{}'), coalesce(taken.person, '')
  FROM unnest(%(remediations)s::bigint[]) AS asked (id)
  LEFT JOIN LATERAL (SELECT id, content FROM drafting_revision
                      WHERE remediation_id = asked.id ORDER BY number DESC LIMIT 1) AS head ON true
  LEFT JOIN LATERAL (SELECT array_agg(gate ORDER BY id) AS names, array_agg(has_passed ORDER BY id) AS passed
                       FROM (SELECT DISTINCT ON (gate) id, gate, has_passed FROM review_gateresult
                              WHERE revision_id = head.id ORDER BY gate, id DESC) AS newest) AS gates ON true
  LEFT JOIN LATERAL (SELECT array_agg(username ORDER BY said.id) AS people
                       FROM review_objection AS said JOIN access_person AS person ON person.id = said.person_id
                      WHERE revision_id = head.id AND said.kind = 'changes') AS changes ON true
  LEFT JOIN LATERAL (SELECT array_agg(item) AS items
                       FROM (SELECT DISTINCT ON (item) item, is_confirmed FROM review_tick
                              WHERE remediation_id = asked.id ORDER BY item, id DESC) AS newest
                      WHERE is_confirmed) AS ticks ON true
  LEFT JOIN LATERAL (SELECT username AS person
                       FROM review_take JOIN access_person AS person ON person.id = person_id
                      WHERE remediation_id = asked.id AND released_at IS NULL AND until > %(at)s) AS taken ON true
"""


class Gate(NamedTuple):
    """What a gate said last."""

    name: str
    has_passed: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the queue: what is to be decided, and what is still missing."""

    remediation: Remediation
    gates: Sequence[Gate]
    missing: Sequence[str]
    is_mine: bool
    taken_by: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What was drafted, found and said for a remediation: the newest of each. `content` is None before a draft."""

    content: str | None
    gates: Sequence[Gate]
    changes_for: Sequence[str]
    ticked: frozenset[str]
    taken_by: str


@dataclass(frozen=True, slots=True)
class Figures:
    """How much waits in the categories a person may see; `count` stops at MOST."""

    count: int
    oldest: datetime | None


def queue(person: Person, filters: Filters, *, only_mine: bool, after: str | None) -> Page[Remediation]:
    """What waits, worst and then oldest first; with `only_mine`, what this person could sign now."""
    subject = {"subject_kind": "drafting.remediation", "subject_id": OuterRef("pk")}
    mine = Q(Exists(Plan.objects.filter(_signable(person), **subject))) if only_mine else Q()
    return reads.queue(person, filters, narrowed=mine, after=after)


def rows_of(remediations: Sequence[Remediation], person: Person, *, at: datetime) -> list[Waiting]:
    """The rows of a page, in a number of queries that does not depend on how many they are."""
    said, plans = _said(remediations, at), _plans(remediations)
    mine = _mine(person, plans.values())
    return [
        Waiting(
            each,
            gates=said[each.pk].gates,
            missing=_missing(each, said[each.pk], plans.get(each.pk), at),
            is_mine=each.pk in mine,
            taken_by=said[each.pk].taken_by,
        )
        for each in remediations
    ]


def figures(person: Person) -> Figures:
    """How much waits, and since when the oldest does: a few steps along indexes, asked once per request."""
    return memo.once(person, "waiting", lambda: _counted(grants.of(person).categories("see")))


def _counted(seen: Collection[int] | None) -> Figures:
    asked = {"seen": None if seen is None else list(seen), "waiting": sorted(WAITING), "most": MOST}
    with statements.cursor() as cursor:
        cursor.execute(_FIGURES, asked)
        return Figures(*cursor.fetchone())


def _signable(person: Person) -> Q:
    """Open plans that this person is not excluded from and may sign by grants and policy."""
    may_sign = Q()
    for stage in Stage:
        may_sign |= Q(stage=stage) & _granted(person, f"sign_{stage}")
    critical = Q(stage=Stage.ROLLOUT, risk=Risk.CRITICAL_WRITE) & ~_granted(person, "sign_critical")
    closed = approving.closed_to(person)
    return may_sign & ~critical & ~Q(excluded__contains=[person.pk]) & ~Q(category__in=closed) & OPEN


def _granted(person: Person, verb: str) -> Q:
    categories = grants.of(person).categories(verb)
    return Q(pk__isnull=False) if categories is None else Q(category_id__in=categories)


def _said(remediations: Sequence[Remediation], at: datetime) -> dict[int, _Said]:
    asked: dict[str, Any] = {"remediations": [each.pk for each in remediations], "at": at}
    with statements.cursor() as cursor:
        cursor.execute(_SAID, asked)
        return {
            pk: _Said(content, list(map(Gate, names, passed)), changes_for, frozenset(items), taken_by)
            for pk, content, names, passed, changes_for, items, taken_by in cursor.fetchall()
        }


def _plans(remediations: Sequence[Remediation]) -> dict[int, Plan]:
    return {row.subject_id: row for row in _OPEN.all(subjects=[each.pk for each in remediations])}


def _open() -> QuerySet[Plan]:
    rows = Plan.objects.filter(among("subject_id", "subjects"), OPEN, subject_kind="drafting.remediation")
    return rows.only("subject_id", "stage", "risk", "category_id", "makers", "excluded", "valid_until")


_OPEN = Query(_open)


def _mine(person: Person, plans: Collection[Plan]) -> frozenset[int]:
    """The remediations among these plans' that the person could sign now."""
    may = [plan for plan in plans if _may(person, plan) and not signoffs.why_not(plan, person)]
    closed = approving.closed_to(person) if may else frozenset[int]()
    return frozenset(plan.subject_id for plan in may if plan.category_id not in closed)


def _may(person: Person, plan: Plan) -> bool:
    return all(grants.of(person).may(verb, plan.category_id) for verb in signoffs.verbs_of(plan))


def _missing(remediation: Remediation, said: _Said, plan: Plan | None, at: datetime) -> list[str]:
    """In a few words each, what stands between a row and its completion."""
    if remediation.status == Status.NEEDS_PERSON or said.content is None:
        return [remediation.status_reason.partition("\n")[0] or "a person to go on"]
    if remediation.status == Status.APPROVED_FOR_ROLLOUT:
        return ["signed, to be run"]
    lacking = [f"gate {gate.name} failed" for gate in said.gates if not gate.has_passed]
    if open_items := [each for each in items_in(said.content) if each.item not in said.ticked]:
        lacking.append(f"{len(open_items)} REVIEW item{'s' if len(open_items) > 1 else ''}")
    lacking += [f"changes for {person}" for person in said.changes_for]
    if plan is None:
        return lacking or ["checks under way"]
    if plan.valid_until <= at:
        return [*lacking, "a fresh plan"]
    return [*lacking, f"{plan.stage} sign-off"]
