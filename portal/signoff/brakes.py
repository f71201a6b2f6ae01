"""Freezes and the emergency stop: what keeps a signed plan from being carried out now (laws 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Category, Target
from portal.kit.actors import Door, Ref
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.signoff.models import Freeze, Stop

ALL = "all"


def scopes_of(*, category: str, connectors: Iterable[str] = ()) -> list[str]:
    """The scopes whose stop concerns work in this category through these connectors."""
    return [ALL, f"category:{category}", *(f"connector:{slug}" for slug in connectors)]


def stopped(scopes: list[str]) -> Stop | None:
    """A live stop of one of the scopes; one indexed read, made before every write."""
    return Stop.objects.filter(released_at=None, scope__in=scopes).first()


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
    """A freeze that covers the category now."""
    covers = Q(category=None) | Q(category_id=category_id)
    return Freeze.objects.filter(covers, starts_at__lte=at, ends_at__gt=at).first()


def engage(*, scope: str, reason: str, person: Person, door: Door, at: datetime) -> Stop:
    """Stop everything in the scope. Whoever may stop stops alone; starting again takes two."""
    if not person.has_perm("signoff.add_stop"):
        raise NotAllowed(because("stop", "Operators, approvers and policy admins engage the emergency stop."))
    if not reason.strip():
        raise Refused(because("reason", "Say why, in a few words.", "reason"))
    try:
        with transaction.atomic():
            stop = Stop.objects.create(scope=scope, reason=reason.strip(), engaged_by=person, engaged_at=at)
            audit.record("stop.engaged", actor=person.at(door), at=at, subject=_ref(stop), data={"reason": reason})
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
    return stop


def _ref(stop: Stop) -> Ref:
    return Ref("signoff.stop", stop.pk, f"stop of {stop.scope}")
