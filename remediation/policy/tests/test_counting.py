"""What is counted in the database: actions against the hourly limits, tickets for the success history."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db.models import Q

from portal.estate.models import Category
from portal.kit.actors import system
from portal.kit.refusals import Refused
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.policy import outcomes
from remediation.policy import services as policies
from remediation.policy.models import CategoryPolicy, Moment, OutcomeDay, Reservation
from remediation.review.testing import AT, people, ticket, world
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.states import FINISHED, TicketStatus

pytestmark = pytest.mark.django_db


def reserve(slug: str, run: int, steps: int = 1, *, minutes: int = 0) -> None:
    policies.reserve(
        category=Category.objects.get(slug=slug),
        run_id=run,
        step_numbers=range(1, steps + 1),
        at=AT + timedelta(minutes=minutes),
    )


def test_both_hourly_limits_hold_and_an_hour_later_it_is_free_again(settings: LazySettings) -> None:
    world()
    settings.AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR = 3
    CategoryPolicy.objects.filter(category__slug="cache").update(max_actions_per_hour=1)
    CategoryPolicy.objects.exclude(category__slug="cache").update(max_actions_per_hour=None)
    reserve("cache", 1)
    with pytest.raises(Refused, match="at most 1 for Cache"):
        reserve("cache", 2)
    reserve("network", 3, steps=2)
    with pytest.raises(Refused, match="at most 3 for all categories"):
        reserve("network", 4)
    reserve("cache", 5, minutes=60)
    assert Reservation.objects.count() == 4


def test_a_closed_ticket_counts_by_how_it_ended() -> None:
    world()
    opener = people()["engineer"]
    for number, status in enumerate((Status.SUCCEEDED, Status.FAILED), start=1):
        incident = ticket(opener, f"INC-{number}")
        Remediation.objects.create(
            ticket=incident,
            category=incident.category,
            severity=1,
            status=status,
            status_at=AT,
            created_at=AT,
        )
        Ticket.objects.filter(pk=incident.pk).update(status=TicketStatus.CLOSED, finished_at=AT)
    begun = remediations.begin(ticket(opener, "INC-3").pk, actor=system("drafting"), at=AT)
    assessment = policies.assess(begun, moment=Moment.DRAFT, at=AT)
    assert assessment.success_history_permille == 500


def test_the_days_add_up_to_the_tickets_however_they_finished_and_began_again() -> None:
    world()
    opener = people()["engineer"]
    noon = AT.replace(hour=12)
    for number, status in enumerate(TicketStatus):
        incident = ticket(opener, f"INC-{number}", category_slug="cache" if number % 3 else "network")
        tickets.follow(incident, status, at=noon - timedelta(days=number))
        if number % 2:
            tickets.follow(incident, TicketStatus.RESOLVED, at=noon)
    closed = ticket(opener, "CLOSED")
    tickets.follow(closed, TicketStatus.FAILED, at=noon)
    worked = {"status": Status.SUCCEEDED, "status_at": AT, "created_at": AT, "severity": 1}
    Remediation.objects.create(ticket=closed, category=closed.category, **worked)
    tickets.close(closed.pk, person=opener, door="page", at=noon + timedelta(days=1), resolution="")
    assert OutcomeDay.objects.get(category__slug="kubernetes", finished__gt=0).day == (AT + timedelta(days=1)).date()
    assert outcomes.rebuild() == 0
    for category in Category.objects.all():
        finished = Ticket.objects.filter(category=category, status__in=FINISHED)
        resolved = finished.filter(Q(status=TicketStatus.RESOLVED) | Q(key="CLOSED"))
        assert outcomes.recent(category.pk, at=noon) == (resolved.count(), finished.count())


def test_wrong_days_are_put_right_and_counted() -> None:
    world()
    incident = ticket(people()["engineer"])
    tickets.follow(incident, TicketStatus.RESOLVED, at=AT)
    OutcomeDay.objects.update(resolved=0)
    call_command("rebuild_outcomes", stdout=(said := StringIO()))
    assert said.getvalue() == "1 day had to be put right.\n"
    assert outcomes.recent(incident.category_id, at=AT) == (1, 1)


def test_only_six_months_count() -> None:
    world()
    incident = ticket(people()["engineer"])
    tickets.follow(incident, TicketStatus.RESOLVED, at=AT)
    assert outcomes.recent(incident.category_id, at=AT + timedelta(days=182)) == (1, 1)
    assert outcomes.recent(incident.category_id, at=AT + timedelta(days=184)) == (0, 0)


def test_a_closed_ticket_stays_closed_whatever_its_remediation_does() -> None:
    world()
    incident = ticket(people()["engineer"])
    Ticket.objects.filter(pk=incident.pk).update(status=TicketStatus.CLOSED)
    seen_open, seen_closed = incident, Ticket.objects.get(pk=incident.pk)
    for seen in (seen_open, seen_closed):
        tickets.follow(seen, TicketStatus.PROCESSING, at=AT)
        assert Ticket.objects.get(pk=incident.pk).status == TicketStatus.CLOSED
    assert seen_closed.status == TicketStatus.CLOSED
