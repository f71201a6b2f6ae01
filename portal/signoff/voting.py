"""Gives votes: by a person under a digest, in another's stead, ahead of time, or by a machine under a certificate.

Every refusal is here and not in the doors, so that all of them answer alike (laws 2 to 4). What the database refuses as
well stands in the migrations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.kit import memo, statements
from portal.kit.actors import Actor, Door
from portal.kit.moving import move
from portal.kit.refusals import NotAllowed, Reason, Refusal, Refused, StaleTransition, because
from portal.kit.statements import Query
from portal.signoff import counting, delegating, plans, quorum
from portal.signoff.models import Certificate, Delegation, Plan, Vote
from portal.signoff.quorum import Given, Window
from portal.signoff.states import BY_MACHINES, NEXT, PlanStatus, Stage, is_critical

FRESH = timedelta(minutes=5)
"""How old the sign-in may be of somebody who signs a critical plan."""
FURTHEST = timedelta(days=14)
"""How far ahead a run can be approved."""
VERB = {
    Stage.MERGE: "sign_merge",
    Stage.ROLLOUT: "sign_rollout",
    Stage.GRANT: "configure",
    Stage.SKIP: "sign_rollout",
}
"""The grant that signing a stage takes."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a person adds to their signature.

    `typed` is the ticket id as they typed it and `authenticated_at` their last sign-in: critical plans want both.
    `runs_from` and `runs_until` approve the run ahead, for that time only. `sheet` is the digest of the page they were
    shown, `delegation_id` the delegation under which they sign for somebody else.
    """

    comment: str = ""
    typed: str = ""
    authenticated_at: datetime | None = None
    runs_from: datetime | None = None
    runs_until: datetime | None = None
    sheet: str = ""
    delegation_id: int | None = None


def locked(plan_id: int) -> Plan:
    """The plan with its row locked until the transaction ends."""
    return _LOCKED.one(id=plan_id)


def _lockable() -> QuerySet[Plan]:
    rows = Plan.objects.select_for_update(of=("self",)).select_related("category", "merge_plan")
    return rows.filter(pk=statements.given("id"))


_LOCKED = Query(_lockable)
_GROUPS = Query(lambda: Group.objects.filter(user=statements.given("person")).order_by("pk"))


def give(plan: Plan, *, digest: str, person: Person, ballot: Ballot, door: Door, at: datetime) -> Plan:
    """Sign the text with this digest. The caller holds the lock. Answers the plan, signed if this vote was the last."""
    delegation = _delegation(plan, person, ballot, at)
    principal = delegation.from_person if delegation else person
    if reasons := [*_barred(plan, person, principal), *lacking(plan, principal)]:
        raise NotAllowed(*reasons)
    _refuse_stale(plan, digest, at)
    if reasons := _unready(plan, ballot, at=at):
        raise Refused(*reasons)
    actor, before = person.at(door), plans.given(plan)
    own = _vote(plan, person=person, principal=principal, delegation=delegation, ballot=ballot, door=door, at=at)
    data = {"stage": plan.stage, "digest": plan.digest, "comment": ballot.comment, "sheet": ballot.sheet}
    if delegation:
        data["for"] = principal.username
    if ballot.runs_from and ballot.runs_until:
        data |= {"runs_from": ballot.runs_from.isoformat(), "runs_until": ballot.runs_until.isoformat()}
    plans.record("plan.signed", plan, actor=actor, at=at, data=data)
    _complete(plan, [*before, own], actor, at)
    return plan


def give_by_certificate(plan: Plan, *, certificate: Certificate, person: Person, at: datetime) -> Plan:
    """A machine's vote under a live certificate; the caller holds the lock on the plan.

    It counts as one, and only where one is asked for and no group.
    """
    if person.kind != Person.Kind.MACHINE:
        raise NotAllowed(because("not_a_machine", "People sign for themselves, without a certificate."))
    if reasons := _uncovered(plan, certificate, at):
        raise Refused(*reasons)
    _refuse_stale(plan, plan.digest, at)
    before = plans.given(plan)
    own = _vote(plan, person=person, principal=person, certificate=certificate, ballot=Ballot(), door="job", at=at)
    data = {"stage": plan.stage, "digest": plan.digest, **_under(certificate, person)}
    plans.record("plan.signed", plan, actor=plans.CLOCK, at=at, data=data)
    _complete(plan, [*before, own], plans.CLOCK, at)
    return plan


@contextmanager
def refusals_kept(plan_id: int, *, person: Person, door: Door, at: datetime) -> Iterator[None]:
    """Put a refused sign-off into the trail, after what it had begun was rolled back. Belongs around a transaction."""
    try:
        yield
    except Refusal as refusal:
        plan = Plan.objects.get(pk=plan_id)
        plans.record("plan.refused", plan, actor=person.at(door), at=at, data=_said(plan, refusal))
        raise


@contextmanager
def machine_refusals_kept(plan_id: int, *, certificate: Certificate, person: Person, at: datetime) -> Iterator[None]:
    """The same for a machine's vote. A job that runs again and is refused for the same reasons adds nothing."""
    try:
        yield
    except Refusal as refusal:
        with transaction.atomic():
            plan = Plan.objects.select_for_update().get(pk=plan_id)
            data = _said(plan, refusal) | _under(certificate, person)
            if not plans.is_last_word("plan.refused", plan, actor=plans.CLOCK, data=data):
                plans.record("plan.refused", plan, actor=plans.CLOCK, at=at, data=data)
        raise


def why_not(plan: Plan, person: Person) -> Reason | None:
    """Why this person's vote on this plan would not be taken, whatever their grants; None: it would."""
    if person.kind != Person.Kind.HUMAN:
        return because("machine", "A machine account cannot sign for a person.")
    if not person.is_active:
        return because("inactive", f"{person} is no longer with us.")
    if person.pk in plan.makers:
        return because("maker", "You asked for this or wrote part of it, so somebody else signs it.")
    if person.pk in plan.excluded:
        return because("signed_merge", "You signed the merge stage, so somebody else signs the rollout.")
    return None


def verbs_of(plan: Plan) -> list[str]:
    """The grants that signing this plan takes."""
    is_critical_run = plan.stage in (Stage.ROLLOUT, Stage.SKIP) and is_critical(plan.risk)
    return [VERB[Stage(plan.stage)], *(["sign_critical"] if is_critical_run else [])]


def lacking(plan: Plan, person: Person) -> list[Reason]:
    """Those of them that the person does not have, and why their signature would not count for all that."""
    return memo.once(plan, f"lacking_{person.pk}", lambda: _lacking(plan, person))


def _lacking(plan: Plan, person: Person) -> list[Reason]:
    missing = [grants.lacking(person, verb, plan.category) for verb in verbs_of(plan)]
    return [*(reason for reason in missing if reason), *counting.not_counted(plan, [person]).values()]


def _said(plan: Plan, refusal: Refusal) -> dict[str, Any]:
    """What an event says of a refused sign-off."""
    return {"digest": plan.digest, "answer": refusal.status, "reasons": [reason.text for reason in refusal.reasons]}


def _under(certificate: Certificate, person: Person) -> dict[str, Any]:
    """What an event says of the certificate that a machine account votes under."""
    return {"certificate": certificate.pk, "covers": str(certificate), "for": person.username}


def _unready(plan: Plan, ballot: Ballot, *, at: datetime) -> list[Reason]:
    """What the ballot itself lacks: the typed ticket id, a fresh sign-in, a window that makes sense."""
    return [*_unconfirmed(plan, ballot, at), *_unfit_window(plan, ballot, at)]


def _delegation(plan: Plan, person: Person, ballot: Ballot, at: datetime) -> Delegation | None:
    if ballot.delegation_id is None:
        return None
    return delegating.find(ballot.delegation_id, plan=plan, person=person, at=at)


def _barred(plan: Plan, person: Person, principal: Person) -> list[Reason]:
    own = why_not(plan, person)
    if own or person.pk == principal.pk:
        return [own] if own else []
    if reason := why_not(plan, principal):
        return [because(f"{reason.code}_for", f"{principal} may not sign this, so nobody does in their stead.")]
    return []


def _refuse_stale(plan: Plan, digest: str, at: datetime) -> None:
    if plan.status != PlanStatus.OPEN:
        why = plan.void_reason or "It has all the votes it needs."
        raise StaleTransition(because("not_open", f"The {plan.stage} plan is {plan.status}. {why}", "digest"))
    if digest != plan.digest:
        raise StaleTransition(because("changed", "The plan changed since you looked. Read it again.", "digest"))
    if reason := plans.lapsed(plan, at=at):
        raise StaleTransition(because(reason.code, reason.text, "digest"))


def _unconfirmed(plan: Plan, ballot: Ballot, at: datetime) -> list[Reason]:
    if not is_critical(plan.risk):
        return []
    found = []
    if plan.ticket_key and ballot.typed != plan.ticket_key:
        text = f"This plan is critical: type the ticket id, {plan.ticket_key}, to sign it."
        found.append(because("confirm_ticket_id", text, "confirm_ticket_id"))
    if ballot.authenticated_at is None or ballot.authenticated_at <= at - FRESH:
        text = f"This plan is critical: sign it within {FRESH // timedelta(minutes=1)} minutes of signing in."
        found.append(because("sign_in_again", text))
    return found


def _unfit_window(plan: Plan, ballot: Ballot, at: datetime) -> list[Reason]:
    if ballot.runs_from is None and ballot.runs_until is None:
        return []
    if ballot.runs_from is None or ballot.runs_until is None:
        return [because("window", "A run is approved from one time until another.", "runs_until")]
    asked = Window(ballot.runs_from, ballot.runs_until)
    if plan.stage != Stage.ROLLOUT:
        return [because("window", "Only the rollout stage has a time to run at.", "runs_from")]
    if asked.runs_until <= max(asked.runs_from, at):
        return [because("window", "The time ends after it starts, and not in the past.", "runs_until")]
    return _unagreed(plan, asked, at)


def _unagreed(plan: Plan, asked: Window, at: datetime) -> list[Reason]:
    if asked.runs_until > at + FURTHEST:
        return [because("window", f"A run is approved {FURTHEST.days} days ahead at most.", "runs_until")]
    own = Given(frozenset(), asked.runs_until, asked.runs_from, asked.runs_until)
    others = quorum.window([*plans.given(plan), own])
    if others and others.runs_until <= others.runs_from:
        return [because("window", "The others approved another time. Agree on one.", "runs_from")]
    return []


def _uncovered(plan: Plan, certificate: Certificate, at: datetime) -> list[Reason]:
    """Why no machine may sign this plan under this certificate."""
    found = []
    if not certificate.is_live(at) or certificate.category_id != plan.category_id:
        found.append(because("certificate", "The certificate is not live for this category."))
    if is_critical(plan.risk) or plan.stage not in BY_MACHINES:
        found.append(because("critical", "No machine signs what is critical, its own certificate, or to skip a step."))
    if plan.needed > 1 or plan.needed_groups:
        found.append(because("quorum", "A certificate stands for one person. This plan asks for more, or for a group."))
    return found


def _vote(
    plan: Plan,
    *,
    person: Person,
    principal: Person,
    ballot: Ballot,
    door: Door,
    at: datetime,
    delegation: Delegation | None = None,
    certificate: Certificate | None = None,
) -> Given:
    groups = [group.pk for group in _GROUPS.all(person=principal.pk)]
    expires_at = ballot.runs_until or at + timedelta(minutes=plan.votes_last_minutes)
    try:
        vote = Vote(
            plan=plan,
            digest=plan.digest,
            excluded=plan.excluded,
            person=person,
            principal=principal,
            delegation=delegation,
            certificate=certificate,
            groups=groups,
            comment=ballot.comment,
            sheet=ballot.sheet,
            door=door,
            at=at,
            expires_at=expires_at,
            runs_from=ballot.runs_from,
            runs_until=ballot.runs_until,
        )
        statements.insert(vote)
    except IntegrityError as error:
        if "one_vote_per_person" in str(error):
            raise StaleTransition(because("signed_before", "You have signed this plan already.")) from error
        if "one_vote_per_principal" in str(error):
            text = f"This plan has a signature of {principal}, or in their stead, already."
            raise StaleTransition(because("signed_before", text)) from error
        raise
    return plans.as_given(vote)


def _complete(plan: Plan, votes: Sequence[Given], actor: Actor, at: datetime) -> None:
    if quorum.is_met(plans.required(plan), votes):
        move(plan, PlanStatus.SIGNED, next_states=NEXT, status_at=at)
        plans.record("plan.completed", plan, actor=actor, at=at)
