"""Freezes and the emergency stop: what keeps a signed plan from being carried out now (laws 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Category, Target
from portal.jobs import services as jobs
from portal.kit import statements
from portal.kit.actors import Door, Ref
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.kit.statements import Query, among, given
from portal.signoff.models import Freeze, Stop

ALL = "all"


@dataclass(frozen=True, slots=True)
class Hold:
    """The stop and the freeze that keep workers from something, as they stood when they were asked for."""

    stop: Stop | None
    freeze: Freeze | None


_STOPPED = Query(lambda: Stop.objects.filter(among("scope", "scopes"), released_at=None)[:1])


def scopes_of(*, category: str, connectors: Iterable[str] = ()) -> list[str]:
    """The scopes whose stop concerns work in this category through these connectors."""
    return [ALL, f"category:{category}", *(f"connector:{slug}" for slug in connectors)]


def stopped(scopes: list[str]) -> Stop | None:
    """A live stop of one of the scopes; one indexed read, made before every write."""
    return _STOPPED.first(scopes=scopes)


def hold(*, category: Category, connectors: Iterable[str], at: datetime) -> Hold:
    """What keeps workers from work in this category, through these connectors, at that moment."""
    return Hold(stopped(scopes_of(category=category.slug, connectors=connectors)), frozen(category.pk, at))


def is_any_live() -> bool:
    """Whether anything is stopped at all: every page asks, so the query is written out and not built each time."""
    with statements.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM signoff_stop WHERE released_at IS NULL)")
        return bool(cursor.fetchone()[0])


def live() -> list[Stop]:
    """Every live stop, the newest first; there are few, and an index holds nothing else."""
    return list(Stop.objects.filter(released_at=None).select_related("engaged_by"))


def past(count: int) -> list[Stop]:
    """The last released stops."""
    released = Stop.objects.exclude(released_at=None).select_related("engaged_by", "released_by")
    return list(released[:count])


def scopes() -> list[tuple[str, str]]:
    """What can be stopped, in words: everything, a category, whatever goes through one connector."""
    connectors = Target.objects.order_by("connector").values_list("connector", flat=True).distinct()
    return [
        (ALL, "Everything"),
        *((f"category:{each.slug}", f"Category {each.name}") for each in Category.objects.all()),
        *((f"connector:{slug}", f"Connector {slug}") for slug in connectors),
    ]


def frozen(category_id: int, at: datetime) -> Freeze | None:
    """A freeze that covers the category at that moment; the one that ends last, if there are several."""
    return _FROZEN.first(category=category_id, at=at)


def _covering() -> QuerySet[Freeze]:
    covers = Q(category=None) | Q(category=given("category"))
    held = Freeze.objects.filter(covers, ended_at=None, starts_at__lte=given("at"), ends_at__gt=given("at"))
    return held.order_by("-ends_at")[:1]


_FROZEN = Query(_covering)


def freezes(*, at: datetime) -> list[Freeze]:
    """Freezes that hold or are to come, soonest first."""
    rows = Freeze.objects.filter(ended_at=None, ends_at__gt=at)
    return list(rows.select_related("category", "created_by"))


def past_freezes(count: int, *, at: datetime) -> list[Freeze]:
    """The last freezes that are over, the newest first."""
    over = Freeze.objects.filter(Q(ended_at__isnull=False) | Q(ends_at__lte=at))
    return list(over.select_related("category", "created_by", "ended_by").order_by("-starts_at")[:count])


def refuse_who_may_not_freeze(person: Person) -> None:
    """Refuse whoever does not plan freezes."""
    if not person.has_perm("signoff.add_freeze"):
        raise NotAllowed(because("freeze", "Policy admins plan and end freezes."))


def freeze(
    *,
    category: Category | None,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
    person: Person,
    door: Door,
    at: datetime,
) -> Freeze:
    """Let nothing be rolled out for a while, in one category or in all."""
    refuse_who_may_not_freeze(person)
    if problems := _freeze_problems(reason, starts_at, ends_at, at):
        raise Refused(*problems)
    with transaction.atomic():
        made = Freeze.objects.create(
            category=category, reason=reason.strip(), starts_at=starts_at, ends_at=ends_at, created_by=person
        )
        data = {
            "category": category.slug if category else None,
            "reason": made.reason,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
        }
        audit.record("freeze.added", actor=person.at(door), at=at, subject=_freeze_ref(made), data=data)
    return made


def end_freeze(freeze_id: int, *, person: Person, door: Door, at: datetime) -> Freeze:
    """End a freeze before its time, or call it off before it starts. The row stays."""
    refuse_who_may_not_freeze(person)
    with transaction.atomic():
        ended = Freeze.objects.select_for_update().get(pk=freeze_id)
        if ended.ended_at or ended.ends_at <= at:
            raise StaleTransition(because("ended", "This freeze is over already."))
        ended.ended_by, ended.ended_at = person, at
        ended.save(update_fields=["ended_by", "ended_at"])
        audit.record("freeze.ended", actor=person.at(door), at=at, subject=_freeze_ref(ended))
    return ended


def refuse_who_may_not_stop(person: Person) -> None:
    """Refuse whoever does not engage the emergency stop."""
    if not person.has_perm("signoff.add_stop"):
        raise NotAllowed(because("stop", "Operators, approvers and policy admins engage the emergency stop."))


def engage(*, scope: str, reason: str, person: Person, door: Door, at: datetime) -> Stop:
    """Stop everything in the scope. Whoever may stop stops alone; starting again takes two."""
    refuse_who_may_not_stop(person)
    if not reason.strip():
        raise Refused(because("reason", "Say why, in a few words.", "reason"))
    try:
        with transaction.atomic():
            stop = Stop.objects.create(scope=scope, reason=reason.strip(), engaged_by=person, engaged_at=at)
            audit.record("stop.engaged", actor=person.at(door), at=at, subject=_ref(stop), data={"reason": reason})
            jobs.publish("stop.engaged", subject_id=stop.pk, at=at)
    except IntegrityError as error:
        raise StaleTransition(because("engaged", f"The emergency stop for {scope} is engaged already.")) from error
    return stop


def release(stop_id: int, *, person: Person, door: Door, at: datetime) -> Stop:
    """Let work go on. The person must not be the one who engaged the stop: that makes two."""
    with transaction.atomic():
        stop = Stop.objects.select_for_update().get(pk=stop_id)
        if not person.has_perm("signoff.add_stop"):
            raise NotAllowed(because("stop", "Operators, approvers and policy admins release the emergency stop."))
        if stop.released_at:
            raise StaleTransition(because("released", "This stop has been released before."))
        if stop.engaged_by_id == person.pk:
            raise NotAllowed(because("two_people", "Somebody else releases the stop you engaged."))
        stop.released_by, stop.released_at = person, at
        stop.save(update_fields=["released_by", "released_at"])
        audit.record("stop.released", actor=person.at(door), at=at, subject=_ref(stop))
        jobs.publish("stop.released", subject_id=stop.pk, at=at)
    return stop


def _freeze_problems(reason: str, starts_at: datetime, ends_at: datetime, at: datetime) -> list[Reason]:
    found = []
    if not reason.strip():
        found.append(because("reason", "Say why, in a few words.", "reason"))
    if ends_at <= max(starts_at, at):
        found.append(because("ends_at", "A freeze ends after it starts, and not in the past.", "ends_at"))
    return found


def _freeze_ref(freeze: Freeze) -> Ref:
    return Ref("signoff.freeze", freeze.pk, freeze.reason)


def _ref(stop: Stop) -> Ref:
    return Ref("signoff.stop", stop.pk, f"stop of {stop.scope}")
