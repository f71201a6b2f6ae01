"""Asks people to sign what waits: who is on duty first, again after a while, then the backup, and before the plan ends.

Each step of a plan is said once: what was said is kept beside the plan, and the message's key says it a second time.
Where nobody on duty can sign, everybody who may is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet, prefetch_related_objects

from portal.access import grants
from portal.access.models import Person
from portal.kit import recall
from portal.kit.statements import Query, given
from portal.notices import services as notices
from portal.notices.services import Saying
from portal.signoff import counting, duties, pacing, plans, quorum, voting
from portal.signoff.duties import Holder, OnDuty
from portal.signoff.models import Plan, Watch
from portal.signoff.pacing import Pace, Step
from portal.signoff.states import PlanStatus, Stage

AT_ONCE = 200
"""How many plans are looked at together."""
KIND = {Step.ASKED: "reminder", Step.REMINDED: "reminder", Step.ESCALATED: "escalation", Step.WARNED: "expiry"}
WORDS = {
    Step.ASKED: "waits for your signature",
    Step.REMINDED: "still waits for your signature",
    Step.ESCALATED: "waits, and you are the backup: please sign it, or say why not",
    Step.WARNED: "is about to end without the signatures it needs",
}


def remind(*, at: datetime) -> int:
    """Say what is due about every plan that waits; returns how many plans were looked at.

    Those that are opened meanwhile ask for a look of their own.
    """
    looked_at = 0
    while waiting := _WAITING.all(at=at):
        _look_at(waiting, at)
        looked_at += len(waiting)
        if len(waiting) < AT_ONCE:
            break
    return looked_at


def _look_at(waiting: list[Plan], at: datetime) -> None:
    prefetch_related_objects(waiting, "votes")
    with recall.among({}):  # whom to ask is asked once for all of them
        said, watches = _said_of(waiting, at)
    with transaction.atomic():
        notices.tell_all(said, at=at)
        new = ["looked_at", "next_at"]
        Watch.objects.bulk_create(watches, update_conflicts=True, unique_fields=["plan"], update_fields=new)


def _said_of(waiting: Iterable[Plan], at: datetime) -> tuple[list[Saying], list[Watch]]:
    """What is to be said of these plans, and when each is looked at again."""
    rota, said, watches = duties.Rota(at), list[Saying](), list[Watch]()
    for plan in waiting:
        on_duty = rota.of(plan)
        steps = _pace(plan, on_duty)
        watch = getattr(plan, "watch", None)
        if due := steps.due(since=watch.looked_at if watch else None, at=at):
            said += _sayings(plan, on_duty, due)
        watches.append(Watch(plan=plan, looked_at=at, next_at=steps.next_after(at)))
    return said, watches


def _waiting() -> QuerySet[Plan]:
    """Open plans of tickets that are new here or have something due. Certificates ask for themselves."""
    is_due = Q(watch=None) | Q(watch__next_at__lte=given("at"))
    open_plans = Plan.objects.filter(is_due, status=PlanStatus.OPEN, valid_until__gt=given("at"))
    rows = open_plans.exclude(stage=Stage.GRANT).select_related("category", "watch")
    return rows.order_by("id")[:AT_ONCE]


_WAITING = Query(_waiting)


def _pace(plan: Plan, on_duty: OnDuty | None) -> Pace:
    duty = on_duty.duty if on_duty and on_duty.able else None
    return pacing.pace(
        opened_at=plan.created_at,
        valid_until=plan.valid_until,
        remind_after=timedelta(minutes=duty.remind_after_minutes) if duty else None,
        escalate_after=timedelta(minutes=duty.escalate_after_minutes) if duty else None,
    )


def _sayings(plan: Plan, on_duty: OnDuty | None, due: list[Step]) -> Iterator[Saying]:
    able = on_duty.able if on_duty else []
    first = able[:1] or _everybody(plan)
    told: defaultdict[Step, list[Holder]] = defaultdict(list)
    if step := pacing.last_of(due, pacing.TO_FIRST):
        told[step] += [*first, *_owners(plan, first)]
    if step := pacing.last_of(due, pacing.TO_BACKUP):
        told[step] += able[1:]
    for step, asked in told.items():
        yield from _messages(plan, step, asked)


def _messages(plan: Plan, step: Step, asked: Iterable[Holder]) -> Iterator[Saying]:
    """One message for those who are asked for themselves, and one for each in whose stead somebody is asked."""
    by_stead: defaultdict[Person | None, list[Person]] = defaultdict(list)
    for each in asked:
        by_stead[each.person if each.person != each.asked else None].append(each.asked)
    for stead, people in by_stead.items():
        words = f"{plan.ticket_key}: the {plan.stage} plan {WORDS[step]}."
        instead = f" You are asked in the place of {stead}." if stead else ""
        yield Saying(
            people,
            kind=KIND[step],
            ticket_key=plan.ticket_key,
            text=f"{words}{instead} It ends at {plan.valid_until:%Y-%m-%d %H:%M} UTC.",
            path=plans.page_of(plan),
            key=f"plan:{plan.pk}:{step}" + (f":for:{stead.pk}" if stead else ""),
        )


def _everybody(plan: Plan) -> list[Holder]:
    """Whoever may sign the plan, with a signature that counts, and has not."""
    wanted = [set(grants.holders(verb, plan.category)) for verb in voting.verbs_of(plan)]
    signed = duties.signers_of(plan)
    may = [each for each in set.intersection(*wanted) if each.pk not in signed and not voting.why_not(plan, each)]
    uncounted = counting.not_counted(plan, may)
    return [Holder(each, each) for each in sorted(may, key=lambda person: person.pk) if each.pk not in uncounted]


def _owners(plan: Plan, asked: Iterable[Holder]) -> list[Holder]:
    """People of the groups that have to be among the signers, where nobody who is asked belongs to them."""
    missing = quorum.lacking(plans.required(plan), [plans.as_given(vote) for vote in plan.votes.all()]).groups
    if not missing:
        return []
    among = set(Person.objects.filter(pk__in=[each.person.pk for each in asked]).values_list("groups", flat=True))
    wanted = Person.objects.filter(groups__in=set(missing) - among)
    owners = set(wanted.values_list("pk", flat=True))
    return [each for each in _everybody(plan) if each.person.pk in owners]
