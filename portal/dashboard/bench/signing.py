"""From the rollout sign-off to the first pre-flight, on real incidents in the lab."""

from __future__ import annotations

import statistics

from django.utils import timezone

from portal.dashboard.walkthrough import incidents, tour
from portal.dashboard.walkthrough.cast import put_back_the_lab
from portal.dashboard.walkthrough.tour import Cast
from portal.kit.figures import Figure
from portal.signoff.models import Vote
from portal.signoff.states import Stage
from remediation.execution.models import StepOutput
from remediation.tickets.models import Ticket

INCIDENTS = 5
GOAL_SECONDS = 1.0


def measure(cast: Cast, *, run: str) -> list[Figure]:
    """The median over a few incidents, one after the other, and the very first, which opens the connections."""
    taken = [_seconds(cast, f"BENCH-{run}-S{number}") for number in range(INCIDENTS)]
    return [
        Figure("rollout sign-off to first pre-flight, p50", statistics.median(taken), "s", at_most=GOAL_SECONDS),
        Figure("  the first one after the start", taken[0], "s"),
    ]


def _seconds(cast: Cast, key: str) -> float:
    """From the moment of the vote to the moment at which the pre-flight had answered."""
    put_back_the_lab()
    ticket = Ticket.objects.get(key=_resolved(cast, key))
    signed = Vote.objects.filter(plan__ticket_id=ticket.pk, plan__stage=Stage.ROLLOUT).latest("at")
    looked = StepOutput.objects.filter(
        run_id=signed.plan.run.pk,
        phase=StepOutput.Phase.PREFLIGHT,
    ).earliest("at")
    return (looked.at - signed.at).total_seconds()


def _resolved(cast: Cast, key: str) -> str:
    """The walkthrough's first incident, without the edit."""
    incident = incidents.payments(key, timezone.now())
    tour.open_ticket(cast, incident, _silent)
    tour.until(cast.engineer, key, "awaiting_review")
    tour.sign(cast.merge_approver, key, "merge", _silent)
    tour.sign(cast.rollout_approver, key, "rollout", _silent)
    tour.until(cast.engineer, key, "resolved")
    return key


def _silent(line: str) -> None:
    """The bench prints figures only."""
