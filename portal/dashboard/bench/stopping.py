"""How long after the click no worker begins another write: what the lab received last, for several stops in a row."""

from __future__ import annotations

import json
import time

from django.db.models import QuerySet
from django.utils import timezone

from portal.access import tokens
from portal.access.models import Person, Scope
from portal.dashboard.bench import lab, load
from portal.dashboard.bench.load import Ask
from portal.dashboard.walkthrough.tour import DidNotHappen
from portal.kit.figures import Figure
from portal.signoff import brakes
from portal.signoff.models import Stop
from remediation.execution import services as runs
from remediation.execution.models import Run, StepRun
from remediation.execution.states import RunStatus

ROUNDS = 5
BEFORE = 5
"""Writes that have to arrive before somebody stops them."""
PATIENCE_SECONDS = 60
GOAL_SECONDS = 1.0
STOPPER, RELEASER = "omar", "arun"


def measure(prefix: str, *, place: str) -> list[Figure]:
    """Needs runs of this prefix under way; each round lets them go on first."""
    _, token = tokens.issue(
        person=_person(STOPPER),
        name="bench",
        scopes=[Scope.RUNS_WRITE],
        actor=_person(STOPPER).at("command"),
        at=timezone.now(),
    )
    headers = {"Authorization": f"Bearer {token}"}
    taken = [_round(prefix, place, headers) for _ in range(ROUNDS)]
    last, answered = (max(each) for each in zip(*taken, strict=True))
    return [
        Figure(f"emergency stop: to the last write begun, longest of {ROUNDS}", last, "s", at_most=GOAL_SECONDS),
        Figure("  to the answer, longest", answered, "s"),
    ]


def _round(prefix: str, place: str, headers: dict[str, str]) -> tuple[float, float]:
    """Seconds from the click to the last write that the lab received, and to the answer."""
    for run in _runs(prefix).filter(status=RunStatus.PAUSED):
        runs.resume(run.pk, person=_person(STOPPER), door="command", at=timezone.now())
    _until_writing(prefix)
    ask = Ask("POST", "/api/v1/stops", json.dumps({"scope": "all", "reason": "The bench."}).encode(), 201)
    clicked = time.time()
    (answered,) = load.one_by_one(place, [ask], headers=headers)
    _until_still(prefix)
    stop = Stop.objects.get(released_at=None, scope=brakes.ALL)
    brakes.release(stop.pk, person=_person(RELEASER), door="command", at=timezone.now())
    return max(0.0, _newest_write() - clicked), answered


def _until_writing(prefix: str) -> None:
    """Some steps of these runs have been begun since."""
    since, give_up_at = timezone.now(), time.monotonic() + PATIENCE_SECONDS
    steps = StepRun.objects.filter(run__in=list(_runs(prefix)), intended_at__gte=since)
    while steps.count() < BEFORE:
        _pause(give_up_at, "Nobody writes, so nothing can be stopped.")


def _until_still(prefix: str) -> None:
    """No run of these is driven any more."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while _runs(prefix).filter(status=RunStatus.RUNNING).exists():
        _pause(give_up_at, f"The runs did not stand still in {PATIENCE_SECONDS} s.")


def _pause(give_up_at: float, otherwise: str) -> None:
    if time.monotonic() > give_up_at:
        raise DidNotHappen(otherwise)
    time.sleep(0.05)


def _runs(prefix: str) -> QuerySet[Run]:
    return Run.objects.filter(remediation__ticket__key__startswith=prefix)


def _newest_write() -> float:
    return float(lab.requests()[-1]["at"])


def _person(username: str) -> Person:
    return Person.objects.get(username=username)
