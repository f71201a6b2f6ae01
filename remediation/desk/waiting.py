"""What waits for people: the queue with what each row still lacks, and its figures, all bounded by what waits now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.kit import memo
from portal.kit.paging import Page
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors.operations import Risk
from remediation.desk import reads
from remediation.desk.reads import Filters
from remediation.drafting.models import Remediation, Revision
from remediation.drafting.states import WAITING, Status
from remediation.policy import services as policies
from remediation.review import standing
from remediation.review.checklist import items_of
from remediation.review.models import GateResult, Objection, Take, Tick

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
    taken: Take | None


@dataclass(frozen=True, slots=True)
class _Head:
    """The newest revision of a remediation, with what was found and said about it."""

    revision: Revision
    gates: Sequence[Gate]
    objections: Sequence[Objection]


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
    heads = _heads(remediations)
    plans = _plans(remediations)
    ticked = _ticked(remediations)
    taken = standing.taken_of(remediations, at=at)
    mine = _mine(person, plans.values())
    return [
        Waiting(
            each,
            gates=heads[each.pk].gates if each.pk in heads else (),
            missing=_missing(each, heads.get(each.pk), plans.get(each.pk), ticked, at),
            is_mine=each.pk in mine,
            taken=taken.get(each.pk),
        )
        for each in remediations
    ]


def figures(person: Person) -> Figures:
    """How much waits, and since when the oldest does: a few steps along indexes, asked once per request."""
    return memo.once(person, "waiting", lambda: _counted(grants.of(person).categories("see")))


def _counted(seen: Collection[int] | None) -> Figures:
    asked = {"seen": None if seen is None else list(seen), "waiting": sorted(WAITING), "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, asked)
        return Figures(*cursor.fetchone())


def _signable(person: Person) -> Q:
    """Open plans that this person is not excluded from and may sign by grants and policy."""
    may_sign = Q()
    for stage in Stage:
        may_sign |= Q(stage=stage) & _granted(person, f"sign_{stage}")
    critical = Q(stage=Stage.ROLLOUT, risk=Risk.CRITICAL_WRITE) & ~_granted(person, "sign_critical")
    closed = policies.closed_to(person).values_list("category", flat=True)
    return may_sign & ~critical & ~Q(excluded__contains=[person.pk]) & ~Q(category__in=list(closed)) & OPEN


def _mine(person: Person, plans: Collection[Plan]) -> frozenset[int]:
    """The remediations among these plans' that the person could sign now."""
    if not plans:
        return frozenset()
    mine = Plan.objects.filter(_signable(person), pk__in=[plan.pk for plan in plans])
    return frozenset(mine.values_list("subject_id", flat=True))


def _granted(person: Person, verb: str) -> Q:
    categories = grants.of(person).categories(verb)
    return Q(pk__isnull=False) if categories is None else Q(category_id__in=categories)


def _heads(remediations: Sequence[Remediation]) -> dict[int, _Head]:
    rows = Revision.objects.filter(remediation__in=remediations).order_by("remediation_id", "-number")
    newest = list(rows.distinct("remediation_id"))
    gates, objections = _gates(newest), _objections(newest)
    return {row.remediation_id: _Head(row, gates[row.pk], objections[row.pk]) for row in newest}


def _gates(revisions: Sequence[Revision]) -> dict[int, list[Gate]]:
    """Each gate's newest verdict on each revision, in the order in which they were asked."""
    spoken = GateResult.objects.filter(revision__in=revisions).order_by("revision_id", "gate", "-id")
    rows = spoken.distinct("revision_id", "gate").values_list("id", "revision_id", "gate", "has_passed")
    found: dict[int, list[Gate]] = defaultdict(list)
    for _, revision_id, name, has_passed in sorted(rows):
        found[revision_id].append(Gate(name, has_passed))
    return found


def _objections(revisions: Sequence[Revision]) -> dict[int, list[Objection]]:
    found: dict[int, list[Objection]] = defaultdict(list)
    for row in Objection.objects.filter(revision__in=revisions).select_related("person"):
        found[row.revision_id].append(row)
    return found


def _plans(remediations: Sequence[Remediation]) -> dict[int, Plan]:
    subjects = [each.pk for each in remediations]
    rows = Plan.objects.filter(subject_kind="drafting.remediation", subject_id__in=subjects, status=PlanStatus.OPEN)
    return {row.subject_id: row for row in rows.only("subject_id", "stage", "valid_until")}


def _ticked(remediations: Sequence[Remediation]) -> set[tuple[int, str]]:
    """The confirmed REVIEW items, each with its remediation: the newest answer counts."""
    rows: QuerySet[Tick] = Tick.objects.filter(remediation__in=remediations).order_by("remediation_id", "item", "-id")
    newest = rows.distinct("remediation_id", "item")
    return {(row.remediation_id, row.item) for row in newest if row.is_confirmed}


def _missing(
    remediation: Remediation, head: _Head | None, plan: Plan | None, ticked: set[tuple[int, str]], at: datetime
) -> list[str]:
    """In a few words each, what stands between a row and its completion."""
    if remediation.status == Status.NEEDS_PERSON or head is None:
        return [remediation.status_reason.partition("\n")[0] or "a person to go on"]
    if remediation.status == Status.APPROVED_FOR_ROLLOUT:
        return ["signed, to be run"]
    lacking = [f"gate {gate.name} failed" for gate in head.gates if not gate.has_passed]
    if open_items := [each for each in items_of(head.revision) if (remediation.pk, each.item) not in ticked]:
        lacking.append(f"{len(open_items)} REVIEW item{'s' if len(open_items) > 1 else ''}")
    changes = [each for each in head.objections if each.kind == Objection.Kind.CHANGES]
    lacking += [f"changes for {each.person}" for each in changes]
    if plan is None:
        return lacking or ["checks under way"]
    if plan.valid_until <= at:
        return [*lacking, "a fresh plan"]
    return [*lacking, f"{plan.stage} sign-off"]
