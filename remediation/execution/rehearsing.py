"""People ask for a rehearsal of a plan's ways back before they sign its rollout, and hear when its worker was lost.

Whatever it does it does to the lab (law 1): to the plan's own targets where they belong to it, else to stand-ins.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Target, TargetLock
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.jobs.states import State
from portal.kit import canonical
from portal.kit.actors import Actor, Door, Ref, system
from portal.kit.moving import move
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.notices import services as notices
from portal.signoff import brakes
from portal.signoff.models import Plan
from portal.signoff.states import LIVE, PlanStatus, Stage
from remediation.connectors import catalogue, seed
from remediation.connectors.models import Connector
from remediation.connectors.standins import STAND_INS
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.execution.planning import why_people
from remediation.policy import services as policies
from remediation.review import plans
from remediation.review.plans import Content, OperationStep, PlanStep
from remediation.review.proving import ENDS
from remediation.tickets.models import Ticket
from remediation.wayback.models import Rehearsal
from remediation.wayback.states import OPEN, REHEARSAL_NEXT, RehearsalStatus

KIND = "execution.rehearse"
R = RehearsalStatus


def ask(remediation_id: int, *, digest: str, person: Person, door: Door, at: datetime) -> Rehearsal:
    """Ask that workers do and undo the steps of an open rollout plan in the lab."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        refuse_outsider(person, remediation)
        plan = _open_plan(remediation, digest)
        content = plans.read(plan.content)
        if reason := why_not(content, remediation.ticket):
            raise Refused(because("not_rehearsed", reason))
        rehearsal = _open(plan, remediation, person, at)
        data = {"plan": plan.digest}
        ticket = remediation.ticket.ref
        audit.record("rehearsal.asked", actor=person.at(door), at=at, subject=rehearsal.ref, ticket=ticket, data=data)
        jobs.enqueue(KIND, subject_id=rehearsal.pk, key=key_of(rehearsal), at=at)
    return rehearsal


def refuse_outsider(person: Person, remediation: Remediation) -> None:
    """Refuse those who neither run nor review in the category."""
    granted = grants.of(person)
    if not any(granted.may(verb, remediation.category_id) for verb in ("run", "review")):
        text = f"You neither run nor review in the category {remediation.category.name}."
        raise NotAllowed(because("rehearse", text))


def why_not(content: Content, ticket: Ticket) -> str:
    """Why workers cannot rehearse this plan now; empty if they can."""
    possible = [each for found in candidates(content.steps) for each in found]
    connectors = {each.connector for each in possible}
    if content.is_for_people:
        return "The plan contains commands; people run those."
    if reason := held_back(content.category, connectors, ticket):
        return reason
    if possible:
        return ""
    return "The lab has nothing to rehearse these steps on, so their ways back stay as they are."


def held_back(category: str, connectors: Collection[str], ticket: Ticket) -> str:
    """What keeps workers from these connectors of the lab now: the emergency stop, or law 1; empty if nothing does."""
    if stop := brakes.stopped(brakes.scopes_of(category=category, connectors=connectors)):
        return f"{stop.says}."
    mode, has_opted_in = policies.switches().mode, ticket.enable_auto_remediation
    return why_people(mode=mode, is_lab=True, has_opted_in=has_opted_in, is_for_people=False)


def candidates(steps: Sequence[PlanStep]) -> list[Sequence[OperationStep]]:
    """The ways to rehearse each step in the lab as it is known today: itself, or its stand-ins. It may have none."""
    ways = [_ways(step) for step in steps]
    known = _in_lab([each for found in ways for each in found])
    in_lab = [[each for each in found if (each.target, each.connector) in known] for found in ways]
    return [found[:1] if step in found else found for step, found in zip(steps, in_lab, strict=True)]


def _ways(step: PlanStep) -> list[OperationStep]:
    """The step itself, and what could stand in for it."""
    if not isinstance(step, OperationStep) or step.way_back is None:
        return []
    connector = seed.slug_of(catalogue.get(step.operation).family)
    made = (plans.stand_in(step, parameters, connector) for parameters in STAND_INS.get(step.operation, ()))
    return [step, *made]


def fallen(plan: Plan) -> str:
    """Why nothing is rehearsed under a plan any more: it was changed, or is void; empty if people stand behind it."""
    if canonical.digest_of(plan.content) != plan.digest:
        return "The plan's text does not match its digest."
    return "" if plan.status in LIVE else f"The plan is {plan.status}."


def is_in_lab(step: OperationStep) -> bool:
    """Whether the step's target belongs to the lab, and whatever reaches it does, today."""
    return (step.target, step.connector) in _in_lab([step])


def _in_lab(steps: Sequence[OperationStep]) -> set[tuple[str, str]]:
    """Of the targets of these steps those that belong to the lab, each with the lab's connector that reaches it."""
    slugs = Connector.objects.filter(is_lab=True, is_enabled=True).values("slug")
    targets = Target.objects.filter(identity__in={step.target for step in steps}, is_lab=True, connector__in=slugs)
    return set(targets.values_list("identity", "connector"))


def give_up_on_lost(*, at: datetime) -> int:
    """Rehearsals that no job drives any more proved nothing; people are told to look at the lab. Returns how many."""
    return sum(_give_up(rehearsal.pk, at) for rehearsal in Rehearsal.objects.filter(status__in=OPEN))


def end(rehearsal: Rehearsal, to: RehearsalStatus, *, says: str, actor: Actor, at: datetime) -> None:
    """End a locked rehearsal: its targets are free, whoever asked hears of it, and of a partial result all who run."""
    move(rehearsal, to, next_states=REHEARSAL_NEXT, status_at=at, says=says)
    TargetLock.objects.filter(rehearsal_id=rehearsal.pk, released_at=None).update(released_at=at)
    jobs.hasten_waiting_for(f"rehearsal:{rehearsal.pk}", queue="execution", at=at)
    ticket = Ref("tickets.ticket", rehearsal.ticket_id, rehearsal.ticket_key)
    data = {"after": to.value, "reason": says}
    audit.record("rehearsal.ended", actor=actor, at=at, subject=rehearsal.ref, ticket=ticket, data=data)
    notices.tell(
        _concerned(rehearsal, to),
        kind="partial" if to is R.FAILED else "run",
        ticket_key=rehearsal.ticket_key,
        text=f"The rehearsal of {rehearsal.ticket_key} {ENDS[to]}. {says}",
        path=f"/tickets/{rehearsal.ticket_key}/review",
        at=at,
        key=key_of(rehearsal),
    )


def locked(rehearsal_id: int) -> Rehearsal:
    """The rehearsal with its row locked until the transaction ends."""
    rows = Rehearsal.objects.select_for_update(of=("self",)).select_related("plan", "category", "asked_by")
    return rows.get(pk=rehearsal_id)


def key_of(rehearsal: Rehearsal) -> str:
    """The key of the job that drives it: of one rehearsal only one is driven at a time."""
    return f"rehearsal:{rehearsal.pk}"


def _open_plan(remediation: Remediation, digest: str) -> Plan:
    subject = remediation.ref
    rows = Plan.objects.filter(subject_kind=subject.kind, subject_id=subject.id, stage=Stage.ROLLOUT)
    plan = rows.filter(status=PlanStatus.OPEN).first()
    if plan is None:
        text = "A plan is rehearsed while its rollout waits for signatures: after the merge stage, before the run."
        raise StaleTransition(because("not_open", text))
    if plan.digest != digest:
        raise StaleTransition(because("changed", "The plan on your page is not the open one. Look again.", "digest"))
    return plan


def _open(plan: Plan, remediation: Remediation, person: Person, at: datetime) -> Rehearsal:
    try:
        with transaction.atomic():
            return Rehearsal.objects.create(
                plan=plan,
                category=remediation.category,
                ticket_id=remediation.ticket_id,
                ticket_key=remediation.ticket.key,
                status_at=at,
                asked_by=person,
                asked_at=at,
            )
    except IntegrityError as error:
        raise StaleTransition(because("under_way", "This plan is being rehearsed already.")) from error


def _concerned(rehearsal: Rehearsal, to: RehearsalStatus) -> list[Person]:
    verbs = ("run", "configure") if to is R.FAILED else ()
    people = [rehearsal.asked_by, *(each for verb in verbs for each in grants.holders(verb, rehearsal.category))]
    return list({each.pk: each for each in people}.values())


def _give_up(rehearsal_id: int, at: datetime) -> bool:
    with transaction.atomic():
        rehearsal = locked(rehearsal_id)
        driven = Job.objects.filter(kind=KIND, key=key_of(rehearsal), state__in=[State.WAITING, State.RUNNING])
        if not rehearsal.is_open or driven.exists():
            return False
        says = "Its worker was lost several times. The lab may not be as it was: look at its targets."
        end(rehearsal, R.INCONCLUSIVE, says=says, actor=system("general"), at=at)
    return True
