"""What people are told of runs: once, however often a job is delivered; what changed something and failed, always."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from portal.audit.models import Event
from portal.jobs.testing import drain
from portal.notices.models import Message, Notice
from portal.signoff.models import Plan, Vote
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.drafting.models import Remediation
from remediation.execution import claiming
from remediation.execution.testing import SECONDARY, draft, scaling, signed
from remediation.policy.models import CategoryPolicy

pytestmark = pytest.mark.django_db

ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))


def test_a_plan_left_to_people_is_told_of_once_however_often_it_is_delivered(lab: LabProcess) -> None:
    made = signed(ONE_STEP)
    for _ in range(3):
        assert claiming.start(made.plan.pk, tries=0, at=timezone.now()).startswith("Left to people")
    told = Message.objects.get(kind="run")
    assert "waits for a person to run it" in told.text
    assert Notice.objects.filter(message=told, person=made.operator).count() == 1


def test_whoever_signed_a_plan_that_is_no_longer_true_hears_of_it_once(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    policies = CategoryPolicy.objects.filter(category=made.remediation.category)
    policies.update(allowed_action_types=["restart_pod"])
    for _ in range(3):
        claiming.start(made.plan.pk, tries=0, at=timezone.now())
    drain("general")
    told = Notice.objects.filter(message__text__contains="you signed is void")
    assert sorted(notice.person.username for notice in told) == ["approver", "reviewer"]
    assert "allowed action types was" in told[0].message.text


def test_a_run_that_changed_something_and_was_rolled_back_cannot_be_missed(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "lies")
    drain("execution")
    kinds = set(Message.objects.filter(ticket_key=made.ticket.key).values_list("kind", flat=True))
    assert made.remediation.has_written
    assert "partial" in kinds


def test_opening_the_links_of_notices_runs_nothing(lab: LabProcess) -> None:
    """A notice leads to the thing as it stands now; whoever opens it, or fetches it ahead, has started nothing."""
    made = signed(ONE_STEP)
    drain("general", "execution")
    before = _state()
    for each in Notice.objects.select_related("person", "message"):
        client = Client()
        client.force_login(each.person)
        assert client.get(each.message.path).status_code == 200
        assert client.head(each.message.path).status_code == 200
    assert Message.objects.filter(kind="run").exists()
    assert _state() == before
    assert made.remediation.status == "approved_for_rollout"


def _state() -> tuple[object, ...]:
    return (
        sorted(Plan.objects.values_list("pk", "status")),
        Vote.objects.count(),
        sorted(Remediation.objects.values_list("pk", "status")),
        Event.objects.exclude(kind__startswith="person.").count(),
    )
