"""Diagnose, review, approve, deploy: who did each part of a remediation, or may do it, and how far it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from portal.access import grants
from portal.access.models import Person
from portal.audit.models import Event
from portal.signoff.models import Plan, Vote
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.review import proposing

State = Literal["done", "now", "later", "failed"]
S = Status
BEFORE_ROLLOUT = frozenset({S.APPROVED_FOR_MERGE, S.PROVEN})
RAN = frozenset({S.SUCCEEDED, S.ROLLED_BACK, S.FAILED})
MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the work: whose it was (`by`, a machine under `certificates`), or who may do it; how far it is."""

    name: str
    state: State
    by: Sequence[str]
    may: Sequence[str]
    is_small_team: bool = False
    certificates: Sequence[int] = ()

    @property
    def who(self) -> str:
        """Names for people."""
        if self.by:
            return ", ".join(self.by)
        shown = ", ".join(self.may[:MOST_NAMED])
        more = len(self.may) - MOST_NAMED
        return f"{shown}{f' and {more} more' if more > 0 else ''} may" if self.may else "nobody may"


def parts_of(remediation: Remediation) -> list[Part]:
    """The four parts, in their order. Who may do one leaves out whom the law of four eyes keeps from it."""
    status = Status(remediation.status)
    makers = set(proposing.makers_of(remediation))
    votes = _votes(remediation)
    merge, rollout = votes[Stage.MERGE], votes[Stage.ROLLOUT]
    is_small = bool(settings.SMALL_TEAM)
    not_again = set() if is_small else {vote.person_id for vote in merge}
    return [
        Part("Diagnose", _diagnosed(status), *_diagnosers(remediation)),
        Part(
            "Review",
            _signed(status, merge, waits=frozenset({S.IN_REVIEW})),
            _names(merge),
            () if merge else _may("sign_merge", remediation, makers),
            is_small,
            _certificates(merge),
        ),
        Part(
            "Approve",
            _signed(status, rollout, waits=BEFORE_ROLLOUT),
            _names(rollout),
            () if rollout else _may("sign_rollout", remediation, makers | not_again),
            is_small,
            _certificates(rollout),
        ),
        _deployed(remediation, status),
    ]


def _diagnosed(status: Status) -> State:
    return "now" if status in {S.DRAFTING, S.NEEDS_PERSON} else "done"


def _diagnosers(remediation: Remediation) -> tuple[list[str], list[str]]:
    """The drafter and everybody who wrote a revision; who may, while nobody has."""
    names = [
        str(revision.author) if revision.author else revision.get_drafter_display()
        for revision in remediation.revisions.select_related("author").order_by("number")
    ]
    unique = list(dict.fromkeys(names))
    return unique, ([] if unique else _may("review", remediation, ()))


def _signed(status: Status, votes: Sequence[Vote], *, waits: frozenset[Status]) -> State:
    if votes and votes[0].plan.status != PlanStatus.OPEN:
        return "done"
    return "now" if status in waits else "later"


def _deployed(remediation: Remediation, status: Status) -> Part:
    """Who began the run; while none has begun, who may: workers by themselves, or whoever holds the grant."""
    begun = Event.objects.filter(ticket_id=remediation.ticket_id, kind__in=["run.started", "run.taken"])
    names = list(dict.fromkeys(begun.order_by("id").values_list("actor_name", flat=True))) if _has_run(status) else []
    state: State = "later"
    if status in RAN:
        state = "done" if status is S.SUCCEEDED else "failed"
    elif status in {S.EXECUTING, S.PAUSED, S.APPROVED_FOR_ROLLOUT}:
        state = "now"
    return Part("Deploy", state, names, () if names else _may("run", remediation, ()))


def _has_run(status: Status) -> bool:
    return status in RAN | {S.EXECUTING, S.PAUSED, S.NEEDS_PERSON}


def _votes(remediation: Remediation) -> dict[Stage, list[Vote]]:
    """The signatures on the plans that are in force, by stage."""
    ref = remediation.ref
    plans = Plan.objects.filter(subject_kind=ref.kind, subject_id=ref.id).exclude(status=PlanStatus.VOID)
    rows = Vote.objects.filter(plan__in=plans).select_related("plan", "person", "principal").order_by("id")
    found: dict[Stage, list[Vote]] = {Stage.MERGE: [], Stage.ROLLOUT: []}
    for vote in rows:
        found[Stage(vote.plan.stage)].append(vote)
    return found


def _names(votes: Sequence[Vote]) -> list[str]:
    return [
        str(vote.person) if vote.person_id == vote.principal_id else f"{vote.person} for {vote.principal}"
        for vote in votes
    ]


def _certificates(votes: Sequence[Vote]) -> list[int]:
    return [vote.certificate_id for vote in votes if vote.certificate_id is not None]


def _may(verb: str, remediation: Remediation, without: Collection[int]) -> list[str]:
    people: list[Person] = grants.holders(verb, remediation.category)
    return sorted(str(person) for person in people if person.pk not in without)
