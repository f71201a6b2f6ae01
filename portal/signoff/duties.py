"""Who is on duty: asked first to sign, and asked next, by severity and category; the rows and what they mean.

Whoever may not sign a plan is not asked: its makers, those without the grant, those who signed. Somebody who delegated
is asked through their delegate.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Category
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.signoff import voting
from portal.signoff.models import Delegation, Duty, Plan, Watch
from portal.signoff.states import SEVERITIES, PlanStatus

LONGEST_MINUTES = 7 * 24 * 60
WHY_NOT = {
    "machine": "is a machine account",
    "inactive": "has left",
    "maker": "asked for it or wrote part of it",
    "signed_merge": "signed the merge stage",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody on duty for a plan. `asked` signs in their stead where they delegated; `why_not` says why nobody is."""

    person: Person
    asked: Person
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class OnDuty:
    """The two people for one plan, and when the second one is asked."""

    duty: Duty
    first: Holder
    backup: Holder
    escalates_at: datetime

    @property
    def able(self) -> list[Holder]:
        """Those of the two who can be asked, in their order."""
        return [each for each in (self.first, self.backup) if not each.why_not]


class Rota:
    """Who is on duty at one moment; the same person in the same case is asked about once, for however many plans."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._duties: dict[tuple[str, int], Duty | None] = {}
        self._delegates: dict[tuple[int, int], list[Person]] = {}

    def of(self, plan: Plan) -> OnDuty | None:
        """Who is on duty for a plan; None if nobody is, for its severity and category."""
        duty = self._duty(plan)
        if duty is None:
            return None
        signed = signers_of(plan)
        escalates_at = plan.created_at + timedelta(minutes=duty.escalate_after_minutes)
        first, backup = (self._holder(plan, person, signed) for person in (duty.approver, duty.backup))
        return OnDuty(duty, first, backup, escalates_at)

    def _duty(self, plan: Plan) -> Duty | None:
        case = (plan.severity, plan.category_id)
        if case not in self._duties:
            here = Duty.objects.filter(Q(category_id=plan.category_id) | Q(category=None), severity=plan.severity)
            rows = here.select_related("approver", "backup").order_by(F("category").asc(nulls_last=True))
            self._duties[case] = rows.first()
        return self._duties[case]

    def _holder(self, plan: Plan, person: Person, signed: Collection[int]) -> Holder:
        if reason := _why_not(plan, person, signed):
            return Holder(person, person, reason)
        if voting.lacking(plan, person):
            return Holder(person, person, f"may not sign the {plan.stage} stage here")
        delegates = self._delegates_of(person, plan.category_id)
        return Holder(person, next((each for each in delegates if not _why_not(plan, each, signed)), person))

    def _delegates_of(self, person: Person, category_id: int) -> list[Person]:
        if (person.pk, category_id) not in self._delegates:
            given = Delegation.objects.filter(
                Q(category=None) | Q(category_id=category_id),
                from_person=person,
                revoked_at=None,
                starts_at__lte=self._at,
                ends_at__gt=self._at,
            )
            self._delegates[person.pk, category_id] = [row.to_person for row in given.select_related("to_person")]
        return self._delegates[person.pk, category_id]


def of(plan: Plan, *, at: datetime) -> OnDuty | None:
    """Who is on duty for a plan now; None if nobody is, for its severity and category."""
    return Rota(at).of(plan)


def signers_of(plan: Plan) -> set[int]:
    """Whose vote the plan has, their own or one in their stead."""
    return {pk for vote in plan.votes.all() for pk in (vote.person_id, vote.principal_id)}


def may_configure(person: Person) -> bool:
    """Whether the person says who is on duty."""
    return person.has_perm("signoff.change_duty")


def refuse_others(person: Person) -> None:
    """Refuse whoever does not say who is on duty."""
    if not may_configure(person):
        raise NotAllowed(because("configure", "Policy admins say who is on duty."))


def keep(duty: Duty, *, person: Person, door: Door, at: datetime) -> Duty:
    """Add a duty, or put a changed one in place of its old self. Plans that wait are looked at again at once."""
    refuse_others(person)
    if problems := _problems(duty):
        raise Refused(*problems)
    with transaction.atomic():
        before = Duty.objects.select_for_update(of=("self",)).filter(pk=duty.pk).first() if duty.pk else None
        old = _data(before) if before else None
        try:
            with transaction.atomic():
                duty.save()
        except IntegrityError as error:
            raise StaleTransition(
                because("exists", "There is a duty for this case already; change that one.")
            ) from error
        kind = "duty.changed" if before else "duty.added"
        _changed(kind, duty, {"before": old, "after": _data(duty)}, actor=person.at(door), at=at)
    return duty


def remove(duty_id: int, *, person: Person, door: Door, at: datetime) -> None:
    """Nobody in particular is asked any more in this case."""
    refuse_others(person)
    with transaction.atomic():
        duty = Duty.objects.select_for_update(of=("self",)).filter(pk=duty_id).first()
        if duty is None:
            raise StaleTransition(because("removed", "Somebody removed this duty before."))
        _changed("duty.removed", duty, {"before": _data(duty), "after": None}, actor=person.at(door), at=at)
        duty.delete()


def load(*, approver: Person, backup: Person) -> None:
    """What a demonstration starts with, unless somebody has said who is on duty: the same two for everything."""
    if not Duty.objects.exists():
        Duty.objects.bulk_create(Duty(severity=each, approver=approver, backup=backup) for each in SEVERITIES)


def _why_not(plan: Plan, person: Person, signed: Collection[int]) -> str:
    if person.pk in signed:
        return "has signed"
    reason = voting.why_not(plan, person)
    return WHY_NOT.get(reason.code, reason.text) if reason else ""


def _problems(duty: Duty) -> list[Reason]:
    found = []
    if duty.approver_id == duty.backup_id:
        found.append(because("backup", "The backup is somebody else.", "backup"))
    for field, person in (("approver", duty.approver), ("backup", duty.backup)):
        if not _could_sign(person, duty.category):
            found.append(because(field, f"{person} may not sign any rollout there.", field))
    if not 1 <= duty.remind_after_minutes <= duty.escalate_after_minutes <= LONGEST_MINUTES:
        text = "The first one is reminded, then the backup is asked, all within a week."
        found.append(because("escalate_after_minutes", text, "escalate_after_minutes"))
    return found


def _could_sign(person: Person, category: Category | None) -> bool:
    granted = grants.of(person)
    is_human = person.is_active and person.kind == Person.Kind.HUMAN
    where = granted.may("sign_rollout", category.pk) if category else granted.categories("sign_rollout") != frozenset()
    return is_human and where


def _data(duty: Duty) -> dict[str, Any]:
    return {
        "severity": duty.severity,
        "category": duty.category.slug if duty.category else None,
        "approver": duty.approver.username,
        "backup": duty.backup.username,
        "remind_after_minutes": duty.remind_after_minutes,
        "escalate_after_minutes": duty.escalate_after_minutes,
    }


def _changed(kind: str, duty: Duty, data: dict[str, Any], *, actor: Actor, at: datetime) -> None:
    audit.record(kind, actor=actor, at=at, subject=Ref("signoff.duty", duty.pk, str(duty)), data=data)
    Watch.objects.filter(plan__status=PlanStatus.OPEN, plan__severity=duty.severity).update(next_at=at)
