"""The policy pages: every field in words, where it comes from, and who is shown the way to change it."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import person
from portal.estate.models import Category
from portal.jobs.testing import drain
from portal.kit.testing.queries import statements
from remediation.policy import presenting
from remediation.policy.facts import Switches
from remediation.policy.models import CategoryPolicy, Decision
from remediation.review.testing import AT, drafted, ticket
from remediation.tickets.models import Evidence

SITE = Switches()


def as_(someone: Person) -> Client:
    client = Client()
    client.force_login(someone)
    return client


def words(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize(
    ("fields", "name", "says", "setting"),
    [
        ({"min_reliability": 90}, "Reliability, at least", "90", ""),
        ({"min_reliability": None}, "Reliability, at least", "85", "AUTO_REMEDIATION_MIN_RELIABILITY"),
        ({"min_feedback_rate": None}, "Positive feedback, at least", "85 %", "PATTERN_MIN_POSITIVE_RATE"),
        ({"min_feedback_rate": 70}, "Positive feedback, at least", "70 %", ""),
        ({"requires_approval": None}, "Approval", "A person approves", "AUTO_REMEDIATION_REQUIRE_APPROVAL"),
        ({"requires_approval": True}, "Approval", "A person approves", ""),
        (
            {"requires_approval": False},
            "Approval",
            "The policy asks for none, the site asks for it all the same",
            "AUTO_REMEDIATION_REQUIRE_APPROVAL",
        ),
        ({"auto_approve_threshold": None}, "Approval not asked for", "Never", ""),
        ({"requires_approval": True, "auto_approve_threshold": 85}, "Approval not asked for", "Never", ""),
        ({}, "Left to the machine", "No ticket, until somebody turns it on", ""),
        (
            {"machine_share": 20},
            "Left to the machine",
            "20 % of the tickets, where a live certificate covers the fix; never for critical actions",
            "",
        ),
        (
            {"machine_share": 100},
            "Left to the machine",
            "Every ticket, where a live certificate covers the fix; never for critical actions",
            "",
        ),
        (
            {"auto_approve_threshold": 95},
            "Approval not asked for",
            "From a reliability of 95 on, never for critical actions",
            "",
        ),
        ({"max_actions_per_hour": 4}, "Actions per hour, at most", "4", ""),
        ({"max_actions_per_hour": None}, "Actions per hour, at most", "10", "AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR"),
        (
            {"max_actions_per_hour": 40},
            "Actions per hour, at most",
            "10: the policy would allow more",
            "AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR",
        ),
        ({}, "Hours", "At any hour", ""),
        (
            {"hours_start": time(8), "hours_end": time(18), "zone": "Europe/Berlin"},
            "Hours",
            "08:00 to 18:00, Europe/Berlin",
            "",
        ),
        ({"hours_start": time(22), "hours_end": time(4)}, "Hours", "22:00 to 04:00, into the next day, UTC", ""),
        ({"days": []}, "Days", "Every day", ""),
        ({"days": [4, 0, 1, 2, 3]}, "Days", "Monday to Friday", ""),
        ({"days": [5, 6]}, "Days", "Saturday, Sunday", ""),
        ({"days": [0, 2]}, "Days", "Monday, Wednesday", ""),
        ({"is_enabled": False}, "Switched on", "No: people only", ""),
        ({"requires_backup": True}, "Backup", "A fresh backup is asked for", ""),
        ({"requires_rollback_plan": False}, "Rollback plan", "Not asked for", ""),
        ({"evidence_max_age_minutes": 1_440}, "Evidence", "Older than 1 day, it blocks a signature", ""),
        ({"plan_valid_minutes": 240}, "A plan is valid for", "4 hours", ""),
        ({"plan_valid_minutes": 45}, "A plan is valid for", "45 minutes", ""),
        ({"allowed_systems": None}, "Allowed systems", "Every system", ""),
        ({"approvers": []}, "Approvers", "Everybody with the grant to sign", ""),
    ],
)
def test_every_field_is_said_in_words_with_where_it_comes_from(
    cast: dict[str, Person], fields: dict[str, Any], name: str, says: str, setting: str
) -> None:
    policy = CategoryPolicy.objects.get(category__slug="kubernetes")
    for field, value in fields.items():
        if field != "approvers":
            setattr(policy, field, value)
    rules = {rule.name: rule for rule in presenting.rules_of(policy, SITE)}
    assert (rules[name].words, rules[name].setting) == (says, setting)


def test_every_category_is_a_row_beside_the_settings(cast: dict[str, Person]) -> None:
    page = words(as_(cast["auditor"]), "/policies")
    for category in Category.objects.all():
        assert f'<a href="/policies/{category.slug}">{category}</a>' in page
    for setting in presenting.settings_of(SITE):
        assert setting.name in page
    assert "auto-approve: never" in page
    assert "<code>scale_deployment</code>" in page


@pytest.mark.parametrize(
    ("mode", "says"), [("false", "Off: workers"), ("lab", "Lab: workers"), ("true", "On: workers")]
)
def test_the_switch_of_the_site_is_shown(cast: dict[str, Person], settings: Any, mode: str, says: str) -> None:
    settings.AUTO_REMEDIATION_ENABLED = mode
    assert says in words(as_(cast["auditor"]), "/policies")


def test_a_small_team_stands_in_red(cast: dict[str, Person], settings: Any) -> None:
    for is_small in (True, False):
        settings.SMALL_TEAM = is_small
        assert ('class="alarming"' in words(as_(cast["auditor"]), "/policies/cache")) is is_small


def test_a_category_without_a_policy_is_left_to_people(cast: dict[str, Person]) -> None:
    Category.objects.create(slug="mainframe", name="Mainframe")
    assert "No policy: people only" in words(as_(cast["auditor"]), "/policies")
    assert "This category has no policy" in words(as_(cast["auditor"]), "/policies/mainframe")


def test_lists_of_a_policy_are_listed(cast: dict[str, Person]) -> None:
    policy = CategoryPolicy.objects.get(category__slug="storage")
    policy.forbidden_commands = ["rm -rf", "mkfs"]
    policy.approvers.add(cast["approver"].groups.get(name="approver"))
    policy.save()
    page = words(as_(cast["auditor"]), "/policies/storage")
    for text in ("<code>rm -rf</code>", "<code>expand_volume</code>", "<dd>approver</dd>"):
        assert text in page


def test_who_may_configure_is_shown_the_way_to_the_settings(cast: dict[str, Person]) -> None:
    policy = CategoryPolicy.objects.get(category__slug="cache")
    address = f"/admin/policy/categorypolicy/{policy.pk}/change/"
    admin = cast["policy admin"]
    assert address not in words(as_(admin), "/policies/cache")
    Person.objects.filter(pk=admin.pk).update(is_staff=True)
    assert address in words(as_(admin), "/policies/cache")
    assert address not in words(as_(cast["approver"]), "/policies/cache")


@pytest.mark.usefixtures("lab_connectors")
def test_decisions_of_late_are_shown_with_what_autonomy_would_have_done(cast: dict[str, Person]) -> None:
    incident = ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    drafted(incident)
    drain("probe")
    client = as_(cast["auditor"])
    page = words(client, "/policies/kubernetes")
    assert '<a class="mono" href="/tickets/INC-1/review">INC-1</a>' in page
    assert "people only" in page
    assert "asked a person" in page
    assert "INC-1" not in words(client, "/policies/cache")
    Decision.objects.update(at=AT - timedelta(days=400))
    assert "Nothing was decided lately" in words(client, "/policies/kubernetes")


def test_only_the_categories_a_person_may_see_are_shown(cast: dict[str, Person]) -> None:
    cache = Category.objects.get(slug="cache")
    narrow = as_(person("narrow", sees=[cache]))
    page = words(narrow, "/policies")
    assert "/policies/cache" in page
    assert "/policies/network" not in page
    assert narrow.get("/policies/network").status_code == 404
    assert narrow.get("/policies/nowhere").status_code == 404
    assert narrow.get("/policies/cache").status_code == 200
    assert Client().get("/policies").status_code == 302


def test_the_list_asks_a_constant_number_of_questions(cast: dict[str, Person]) -> None:
    client = as_(cast["auditor"])
    with statements() as few:
        words(client, "/policies")
    for number in range(10):
        made = Category.objects.create(slug=f"more-{number}", name=f"More {number}")
        CategoryPolicy.objects.create(category=made, updated_at=AT)
    with statements() as many:
        words(client, "/policies")
    assert len(many) == len(few) <= 12
