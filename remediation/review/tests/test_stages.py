"""The waves are part of what is signed: shown to signers, in the digest, and void what was signed when they change."""

from __future__ import annotations

import copy
import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.estate.models import Service, Signal
from portal.jobs.testing import drain
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus
from remediation.connectors.lab import first_day
from remediation.policy.models import CategoryPolicy
from remediation.review import plans, standing, voiding
from remediation.review.changing import changes_of
from remediation.review.rechecking import REVIEW
from remediation.review.testing import drafted, people, remediation_of, scale, ticket, world
from remediation.tickets.models import Ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")


@pytest.fixture
def cast(db: None) -> dict[str, Person]:
    world()
    CategoryPolicy.objects.update(canary="1", watch_minutes=10, error_budget="50%")
    payments = Service.objects.get(slug="payments")
    Signal.objects.create(
        service=payments,
        name="Errors",
        about="error_rate",
        kind="prometheus",
        query="errors",
        relation="at_most",
        threshold="0.0500",
        unit="of requests",
    )
    Signal.objects.create(
        service=payments,
        name="Pods ready",
        about="business",
        kind="probe",
        connector="lab-kubernetes",
        tool="get_deployment",
        arguments={"cluster": "lab-k8s"},
        field="ready",
        relation="at_least",
        threshold=2,
    )
    return people()


def several() -> dict[str, Any]:
    """Both pools of the payments deployment get a pod more."""
    draft = scale()
    (first,) = draft["steps"]
    second = copy.deepcopy(first)
    values = {each["name"]: each for each in second["action"]["parameters"]}
    values["deployment"]["value"], values["from_replicas"]["value"], values["to_replicas"]["value"] = (
        "payments-primary",
        3,
        4,
    )
    draft["steps"] = [first, second]
    draft["scope"]["systems"] = [first_day.SECONDARY, first_day.PRIMARY]
    return draft


def prepared(cast: dict[str, Person], draft: dict[str, Any]) -> Ticket:
    incident = ticket(cast["engineer"])
    drafted(incident, draft)
    drain("probe")
    return incident


def plan_of(incident: Ticket) -> Plan:
    plan = standing.plan_of(remediation_of(incident))
    assert plan is not None
    return plan


def test_the_plan_says_in_which_waves_and_what_is_watched(cast: dict[str, Person]) -> None:
    plan = plan_of(prepared(cast, several()))
    stages = plans.read(plan.content).stages
    assert stages is not None
    assert [(wave.targets, wave.steps) for wave in stages.waves] == [
        ((first_day.SECONDARY,), (1,)),
        ((first_day.PRIMARY,), (2,)),
    ]
    assert (stages.watch_minutes, stages.error_budget) == (10, 1)
    assert [(each.name, each.wants) for each in stages.signals] == [
        ("Errors", "at most 0.05 of requests"),
        ("Pods ready", "at least 2"),
    ]
    assert plans.text_of(plans.read(plan.content)) == plan.content


def test_signers_are_shown_the_waves(cast: dict[str, Person], client: Client) -> None:
    incident = prepared(cast, several())
    client.force_login(cast["reviewer"])
    page = html.unescape(client.get(f"/tickets/{incident.key}/review").content.decode())
    assert "1, the canary" in page
    assert "every signal below has to hold for 10 minutes" in page
    assert "at most 0.05 of requests" in page
    assert "1 target may fail" in page


def test_one_target_has_no_waves(cast: dict[str, Person], client: Client) -> None:
    incident = prepared(cast, scale())
    assert plans.read(plan_of(incident).content).stages is None
    client.force_login(cast["reviewer"])
    assert 'id="waves"' not in client.get(f"/tickets/{incident.key}/review").content.decode()


def test_without_a_signal_signers_read_that_nothing_is_watched(cast: dict[str, Person], client: Client) -> None:
    Signal.objects.all().delete()
    incident = prepared(cast, several())
    client.force_login(cast["reviewer"])
    assert "Nothing is watched" in client.get(f"/tickets/{incident.key}/review").content.decode()


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (lambda: CategoryPolicy.objects.update(canary="2"), "Waves: canary was 1, is 2"),
        (lambda: CategoryPolicy.objects.update(watch_minutes=1), "Waves: minutes watched between them was 10, is 1"),
        (lambda: CategoryPolicy.objects.update(error_budget="0"), "Waves: targets that may fail was 1, is 0"),
        (
            lambda: Signal.objects.filter(name="Errors").update(threshold=1),
            "Waves: signal, payments: Errors, threshold was 0.05, is 1",
        ),
        (
            lambda: Signal.objects.filter(name="Errors").delete(),
            "Waves: signal, payments: Errors, query is gone: errors",
        ),
    ],
)
def test_a_plan_whose_waves_are_others_today_is_made_anew(
    cast: dict[str, Person], happens: Callable[[], object], words: str
) -> None:
    plan = plan_of(prepared(cast, several()))
    happens()
    found = voiding.settle(plan.subject_id, actor=REVIEW, at=timezone.now())
    assert words in [change.text for change in found]
    plan.refresh_from_db()
    assert plan.status == PlanStatus.VOID


def test_other_targets_of_a_wave_are_told(cast: dict[str, Person]) -> None:
    old = plans.read(plan_of(prepared(cast, several())).content)
    assert old.stages is not None
    first, second = old.stages.waves
    new = replace(old, stages=replace(old.stages, waves=(replace(first, steps=(2,)), second)))
    told = [change.text for change in changes_of(plans.text_of(old), plans.text_of(new))]
    assert told == ["Waves: steps of wave 1 was 1, is 2"]
