"""The brake on failures in a row: after so many failed runs on a target or for a pattern, workers start no other.

People may still run there by hand. A success releases the brake, and so does a person who says why it will go better:
workers would only repeat what failed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Category
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import Refused, StaleTransition, because
from portal.kit.statements import Query, among, given
from portal.notices import services as notices
from remediation.policy.models import CategoryPolicy, FailureBrake

Kind = FailureBrake.Kind
PATH = "/brakes"


@dataclass(frozen=True, slots=True)
class Ending:
    """A run that has just ended: on which targets, for which pattern, and whether it did what it should."""

    run_id: int
    ticket: Ref
    category: Category
    targets: Collection[str]
    pattern: tuple[int, str] | None
    has_succeeded: bool

    @property
    def subjects(self) -> list[tuple[str, str, str]]:
        """Kind, subject and name of everything whose row of failures this run lengthens or ends."""
        found = [(str(Kind.TARGET), target, target) for target in sorted(set(self.targets))]
        return [*found, (str(Kind.PATTERN), str(self.pattern[0]), self.pattern[1])] if self.pattern else found


def count(ending: Ending, *, actor: Actor, at: datetime) -> None:
    """Count a failed run, or end the row of failures with one that succeeded; in the transaction that ends the run."""
    limit = limit_of(ending.category)
    with transaction.atomic():
        if not ending.has_succeeded:
            _begin(ending, at)
        for brake in _locked(ending):
            if ending.has_succeeded:
                _end(brake, reason=f"The run of {ending.ticket.name} succeeded.", actor=actor, at=at)
            else:
                _lengthen(brake, ending, limit, actor, at)


def engaged(*, targets: Iterable[str], pattern_id: int | None) -> list[FailureBrake]:
    """The brakes that keep workers from these targets and this pattern; one indexed read."""
    return _ENGAGED.all(targets=sorted(set(targets)), pattern=None if pattern_id is None else str(pattern_id))


def _engaged() -> QuerySet[FailureBrake]:
    on_target = Q(among("subject", "targets"), kind=Kind.TARGET)
    concerned = on_target | Q(kind=Kind.PATTERN, subject=given("pattern"))
    return FailureBrake.objects.filter(concerned, engaged_at__isnull=False).select_related("category")


_ENGAGED = Query(_engaged)


def any_engaged() -> bool:
    """Whether any brake is engaged at all; an index holds nothing else."""
    return FailureBrake.objects.filter(engaged_at__isnull=False).exists()


def live(person: Person) -> QuerySet[FailureBrake]:
    """Every engaged brake of the categories a person may see, the newest first; there are few."""
    rows = FailureBrake.objects.filter(engaged_at__isnull=False, category__in=grants.categories(person, "see"))
    return rows.select_related("category")


def may_see(person: Person, brake_id: int) -> bool:
    """Whether there is such a brake in a category the person may see, engaged or not."""
    return FailureBrake.objects.filter(pk=brake_id, category__in=grants.categories(person, "see")).exists()


def release(brake_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> FailureBrake:
    """Let workers try again, with the reason why it will go better now. The count begins at zero."""
    with transaction.atomic():
        brake = FailureBrake.objects.select_for_update(of=("self",)).select_related("category").get(pk=brake_id)
        grants.require(person, "run", brake.category)
        if brake.engaged_at is None:
            raise StaleTransition(because("released", "This brake is not engaged any more."))
        if not reason.strip():
            raise Refused(because("reason", "Say why it will go better now, in a few words.", "reason"))
        _end(brake, reason=reason.strip(), actor=person.at(door), at=at)
    return brake


def limit_of(category: Category) -> int:
    """How many failed runs in a row engage the brake: the policy's number, else the site's."""
    limit = CategoryPolicy.objects.filter(category=category).values_list("max_failures_in_a_row", flat=True).first()
    site: int = settings.AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW
    return limit or site


def _begin(ending: Ending, at: datetime) -> None:
    FailureBrake.objects.bulk_create(
        [
            FailureBrake(kind=kind, subject=subject, name=name, **_last(ending, at))
            for kind, subject, name in ending.subjects
        ],
        ignore_conflicts=True,
    )


def _locked(ending: Ending) -> list[FailureBrake]:
    """The rows this run concerns, locked in one order, so that runs that end together take turns."""
    wanted = Q()
    for kind, subject, _ in ending.subjects:
        wanted |= Q(kind=kind, subject=subject)
    rows = FailureBrake.objects.select_for_update(of=("self",)).filter(wanted)
    return list(rows.order_by("kind", "subject")) if ending.subjects else []


def _lengthen(brake: FailureBrake, ending: Ending, limit: int, actor: Actor, at: datetime) -> None:
    brake.failures += 1
    for name, value in _last(ending, at).items():
        setattr(brake, name, value)
    is_new = brake.engaged_at is None and brake.failures >= limit
    if is_new:
        brake.engaged_at = at
    brake.save()
    if is_new:
        audit.record("brake.engaged", actor=actor, at=at, subject=_ref(brake), ticket=ending.ticket, data=_data(brake))
        _tell(brake, at)


def _end(brake: FailureBrake, *, reason: str, actor: Actor, at: datetime) -> None:
    was_engaged, data = brake.engaged_at is not None, {**_data(brake), "reason": reason}
    brake.failures, brake.engaged_at = 0, None
    brake.save(update_fields=["failures", "engaged_at"])
    if was_engaged:
        audit.record("brake.released", actor=actor, at=at, subject=_ref(brake), data=data)


def _tell(brake: FailureBrake, at: datetime) -> None:
    people = {each.pk: each for verb in ("run", "configure") for each in grants.holders(verb, brake.category)}
    text = f"{brake.says} Workers start no other until somebody releases the brake, or a run by hand succeeds."
    key = f"brake:{brake.pk}:{brake.last_run_id}"
    notices.tell(people.values(), kind="brake", ticket_key=brake.last_ticket_key, text=text, path=PATH, at=at, key=key)


def _last(ending: Ending, at: datetime) -> dict[str, object]:
    return {
        "category": ending.category,
        "last_run_id": ending.run_id,
        "last_ticket_key": ending.ticket.name,
        "last_at": at,
    }


def _data(brake: FailureBrake) -> dict[str, object]:
    return {"kind": brake.kind, "subject": brake.subject, "failures": brake.failures, "run": brake.last_run_id}


def _ref(brake: FailureBrake) -> Ref:
    return Ref("policy.failurebrake", brake.pk, f"brake of the {brake}")
