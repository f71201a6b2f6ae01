"""What a sign-off takes, and from the rollout sign-off to the first pre-flight, on real incidents in the lab."""

from __future__ import annotations

import statistics
import time

from django.utils import timezone

from portal.dashboard.bench import site
from portal.dashboard.walkthrough import incidents, tour
from portal.dashboard.walkthrough.cast import put_back_the_lab
from portal.dashboard.walkthrough.site import Api
from portal.dashboard.walkthrough.tour import Cast
from portal.kit.figures import Figure
from portal.signoff.models import Vote
from portal.signoff.states import Stage
from remediation.execution.models import StepOutput
from remediation.tickets.models import Ticket

INCIDENTS = 5
GOAL_SECONDS = 1.0
GOAL_MS = 40.0


def measure(cast: Cast, *, run: str) -> list[Figure]:
    """The median over a few incidents, one after the other, and the very first, which opens the connections."""
    keys = [f"BENCH-{run}-S{number}" for number in range(INCIDENTS)]
    costs = [ms for key in keys for ms in _resolve(cast, key)]
    taken = [_seconds(key) for key in keys]
    return [
        Figure("a sign-off, of both stages alike, API: p50", statistics.median(costs), "ms", at_most=GOAL_MS),
        Figure("rollout sign-off to first pre-flight, p50", statistics.median(taken), "s", at_most=GOAL_SECONDS),
        Figure("  the first one after the start", taken[0], "s"),
    ]


def _seconds(key: str) -> float:
    """From the moment of the vote to the moment at which the pre-flight had answered."""
    ticket = Ticket.objects.get(key=key)
    signed = Vote.objects.filter(plan__ticket_id=ticket.pk, plan__stage=Stage.ROLLOUT).latest("at")
    looked = StepOutput.objects.filter(
        run_id=signed.plan.run.pk,
        phase=StepOutput.Phase.PREFLIGHT,
    ).earliest("at")
    return (looked.at - signed.at).total_seconds()


def _resolve(cast: Cast, key: str) -> list[float]:
    """The walkthrough's first incident, without the edit; how many milliseconds each sign-off took."""
    put_back_the_lab()
    incident = incidents.payments(key, timezone.now())
    tour.open_ticket(cast, incident, _silent)
    tour.until(cast.engineer, key, "awaiting_review")
    taken = [_signed(cast.merge_approver, key, "merge"), _signed(cast.rollout_approver, key, "rollout")]
    tour.until(cast.engineer, key, "resolved")
    return taken


def _signed(api: Api, key: str, stage: str) -> float:
    """Sign what the person read, when nothing is left to do for it; only the signature is timed."""
    ballot = tour.ballot_of(api, key, stage)
    site.until_idle()  # a person takes longer to read than the workers to finish what led to the page
    began = time.perf_counter()
    api.post(f"/tickets/{key}/approve-remediation", ballot)
    return (time.perf_counter() - began) * 1000


def _silent(line: str) -> None:
    """The bench prints figures only."""
