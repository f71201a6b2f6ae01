"""Keeps the times that ways back were taken, and says what is known of each operation's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from portal.audit import services as audit
from portal.estate.models import Target
from portal.kit.actors import Actor, Ref
from portal.kit.statements import Query, given
from remediation.wayback.models import Rehearsal, Taken
from remediation.wayback.record import LAST, Record


@dataclass(frozen=True, slots=True)
class NewTaken:
    """A way back that has just been decided about. `source` names the step, such as `run:12:3`.

    `playbook` is the digest of the role that was taken back, if it was one.
    """

    operation: str
    category_id: int
    source: str
    has_worked: bool
    target: str
    is_lab: bool
    ticket: Ref
    says: str = ""
    is_rehearsal: bool = False
    stands_in_for: str = ""
    playbook: str = ""


def keep(new: NewTaken, *, actor: Actor, at: datetime) -> None:
    """Keep it, in the transaction that decides about the step; what is kept already stays as it is."""
    target = Target.objects.filter(identity=new.target).first()
    row, is_new = Taken.objects.get_or_create(
        source=new.source,
        defaults={
            "operation": new.operation,
            "playbook": new.playbook,
            "category_id": new.category_id,
            "is_rehearsal": new.is_rehearsal,
            "has_worked": new.has_worked,
            "target": new.target,
            "environment": target.environment if target else "",
            "is_lab": new.is_lab,
            "stands_in_for": new.stands_in_for,
            "ticket_id": new.ticket.id,
            "ticket_key": new.ticket.name,
            "says": "" if new.has_worked else new.says,
            "by": actor.name,
            "at": at,
        },
    )
    if is_new:
        subject = Ref("wayback.taken", row.pk, str(row))
        data = {"operation": new.operation, "worked": new.has_worked, "rehearsal": new.is_rehearsal}
        audit.record("wayback.taken", actor=actor, at=at, subject=subject, ticket=new.ticket, data=data)


def records_of(operations: Iterable[str]) -> dict[str, Record]:
    """What is known of the ways back of these operations, in one query, however often they were taken."""
    names = list(dict.fromkeys(operations))
    found: dict[str, list[Taken]] = defaultdict(list)
    for row in _newest(names):
        found[row.operation].append(row)
    return {name: Record(name, tuple(found[name])) for name in names}


def record_of_role(operation: str, digest: str) -> Record:
    """What is known of the way back of one role: what others that the same operation applies did says nothing of it."""
    return Record(operation, tuple(_LAST_OF_ROLE.all(playbook=digest)))


def rehearsals_of(plan_id: int) -> QuerySet[Rehearsal]:
    """The rehearsals of a plan with their steps, the newest first."""
    return Rehearsal.objects.filter(plan_id=plan_id).select_related("asked_by").prefetch_related("steps__outputs")


def rehearsal_as_seen(plan_id: int) -> str:
    """What tells a page that the newest rehearsal of its plan has moved on: pages ask every few seconds."""
    newest = _NEWEST.first(plan=plan_id)
    return f"{newest.pk}.{newest.status}" if newest else "-"


def newest_rehearsal(plan_id: int) -> Rehearsal | None:
    """The last rehearsal of a plan, under way or done."""
    return rehearsals_of(plan_id).first()


def _newest(names: list[str]) -> Iterable[Taken]:
    """The newest rows of each name: as many short reads of the index as there are names, sent as one."""
    if len(names) <= 1:
        return [row for name in names for row in _LAST.all(operation=name)]
    first, *rest = (Taken.objects.filter(operation=name).order_by("-id")[:LAST] for name in names)
    return sorted(first.union(*rest, all=True), key=lambda row: -row.pk)


_NEWEST = Query(lambda: Rehearsal.objects.filter(plan=given("plan")).only("status").order_by("-id")[:1])
_LAST = Query(lambda: Taken.objects.filter(operation=given("operation")).order_by("-id")[:LAST])
_LAST_OF_ROLE = Query(lambda: Taken.objects.filter(playbook=given("playbook")).order_by("-id")[:LAST])
