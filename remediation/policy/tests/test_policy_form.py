"""Policies at the settings pages: only limits that make sense together are saved, and each change leaves an event."""

from __future__ import annotations

import html
from datetime import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate import seed as estate
from remediation.policy import seed
from remediation.policy.models import CategoryPolicy

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy() -> CategoryPolicy:
    estate.load_categories()
    seed.load(timezone.now())
    return CategoryPolicy.objects.get(category__slug="network")


@pytest.fixture
def petra(policy: CategoryPolicy) -> Client:
    petra = person("petra", "policy admin")
    Person.objects.filter(pk=petra.pk).update(is_staff=True)
    client = Client()
    client.force_login(petra)
    return client


def address(policy: CategoryPolicy) -> str:
    return f"/admin/policy/categorypolicy/{policy.pk}/change/"


def save(client: Client, policy: CategoryPolicy, **changes: Any) -> Any:
    """Send the form back as it was shown, with changes."""
    form = client.get(address(policy)).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    typed = {name: value for name, value in shown.items() if value is not None and value is not False}
    return client.post(address(policy), typed | changes)


def test_saving_what_is_shown_changes_nothing(petra: Client, policy: CategoryPolicy) -> None:
    assert save(petra, policy).status_code == 302
    assert not Event.objects.filter(kind="category_policy.changed").exists()


def test_every_field_is_kept_and_the_event_says_what_changed(petra: Client, policy: CategoryPolicy) -> None:
    answer = save(
        petra,
        policy,
        hours_start="22:00",
        hours_end="06:00",
        zone="Europe/Amsterdam",
        days=["0", "6"],
        allowed_systems="edge-1\n\n edge-2 ",
        forbidden_commands="rm -rf\nreload",
        allowed_action_types=["command"],
        auto_approve_threshold="85",
        machine_share="20",
        requires_approval="true",
        max_actions_per_hour="",
    )
    assert answer.status_code == 302
    policy.refresh_from_db()
    assert (policy.hours_start, policy.hours_end, policy.zone) == (time(22), time(6), "Europe/Amsterdam")
    assert (policy.days, policy.allowed_systems) == ([0, 6], ["edge-1", "edge-2"])
    assert (policy.forbidden_commands, policy.allowed_action_types) == (["rm -rf", "reload"], ["command"])
    assert (policy.requires_approval, policy.max_actions_per_hour, policy.machine_share) == (True, None, 20)
    event = Event.objects.get(kind="category_policy.changed")
    body = audit.body_of(event)
    assert (event.actor_name, event.door) == ("petra", "admin")
    assert (body["before"]["zone"], body["after"]["zone"]) == ("UTC", "Europe/Amsterdam")
    assert "min_confidence" not in body["after"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Mars/Olympus"}, "There is no such time zone"),
        ({"zone": "../etc/passwd"}, "There is no such time zone"),
        ({"hours_start": "22:00"}, "Give both hours, or none."),
        ({"hours_end": "06:00"}, "Give both hours, or none."),
        ({"days": ["7"]}, "Select a valid choice"),
        ({"min_confidence": "101"}, "less than or equal to 100"),
        ({"min_reliability": "-1"}, "greater than or equal to 0"),
        ({"auto_approve_threshold": "84"}, "Nothing below the least reliability, 85, approves itself."),
        ({"min_reliability": "", "auto_approve_threshold": "84"}, "Nothing below the least reliability, 85"),
        ({"allowed_action_types": ["format_disk"]}, "Select a valid choice"),
        ({"canary": "some"}, "Write a number of targets"),
        ({"canary": "0%"}, "A canary has one target at least."),
        ({"canary": "120%"}, "A share is at most 100%."),
        ({"wave_growth": "0"}, "greater than or equal to 1"),
        ({"watch_minutes": "1441"}, "less than or equal to 1440"),
        ({"error_budget": "lots"}, "Write a number of targets"),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    petra: Client, policy: CategoryPolicy, wrong: dict[str, Any], says: str
) -> None:
    answer = save(petra, policy, **wrong)
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert not Event.objects.filter(kind="category_policy.changed").exists()


def test_stages_are_kept_as_amounts_and_said_in_words(petra: Client, policy: CategoryPolicy) -> None:
    page = html.unescape(petra.get("/policies/network").content.decode())
    assert "One wave of all targets, one after the other" in page
    assert "None: a target that fails halts the run" in page
    changes = {"canary": "10 %", "wave_growth": "3", "watch_minutes": "60", "error_budget": "2"}
    assert save(petra, policy, **changes).status_code == 302
    policy.refresh_from_db()
    assert (policy.canary, policy.wave_growth, policy.watch_minutes, policy.error_budget) == ("10%", 3, 60, "2")
    page = html.unescape(petra.get("/policies/network").content.decode())
    assert "A canary of 10%, then waves 3 times as large; between waves the services' signals are watched" in page
    assert "2 of a run's targets may fail" in page


def test_a_policy_stays_with_its_category_and_is_never_deleted(petra: Client, policy: CategoryPolicy) -> None:
    other = CategoryPolicy.objects.get(category__slug="cache")
    save(petra, policy, category=str(other.category_id))
    policy.refresh_from_db()
    assert policy.category.slug == "network"
    assert petra.post(address(policy).replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_only_those_who_configure_the_category_change_its_policy(petra: Client, policy: CategoryPolicy) -> None:
    nora = person("nora")
    nora.is_staff = True
    nora.save()
    permissions = {"policy.view_categorypolicy", "policy.change_categorypolicy"}
    groups = Person.objects.get(username="petra").groups.get()
    nora.user_permissions.add(*groups.permissions.filter(codename__in=[name.partition(".")[2] for name in permissions]))
    client = Client()
    client.force_login(nora)
    assert client.get(address(policy)).status_code == 200
    assert client.post(address(policy), {"zone": "UTC"}).status_code == 403
