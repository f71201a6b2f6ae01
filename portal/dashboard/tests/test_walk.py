"""One incident through a real browser, from sign-in to feedback, by five people; the database is asked at the end."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from feedback.models import Feedback
from patterns.models import Pattern
from portal.access.models import Person
from portal.audit.models import Event
from portal.dashboard import seeds
from portal.dashboard.walkthrough import incidents
from portal.jobs.testing import drain
from portal.kit.testing.browser import scrolls_sideways, serious
from portal.signoff.models import Vote
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.desk.serializers import TicketIn, new_ticket
from remediation.drafting.models import Remediation
from remediation.execution.models import StepRun
from remediation.review.testing import people, world
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket

PASSWORD = "correct horse battery staple"
KEY = "INC-WALK"


@pytest.fixture
def cast(site: LiveServer, lab: LabProcess, settings: object) -> dict[str, Person]:
    """People with passwords, policies, runbooks and the lab, on a database of this test's own."""
    settings.AUTO_REMEDIATION_ENABLED = "lab"  # type: ignore[attr-defined]  # pytest-django's settings
    seeds.load(timezone.now())
    seed.load(timezone.now())
    world()
    cast = people()
    for person in cast.values():
        person.set_password(PASSWORD)
        person.save()
    return cast


@pytest.fixture
def enter(clean_page: Page, site: LiveServer) -> Callable[[Person], None]:
    """Sign in by the form, as somebody else than before."""

    def sign_in(person: Person) -> None:
        clean_page.context.clear_cookies()
        clean_page.goto(f"{site.url}/login")
        clean_page.get_by_label("Name").fill(person.username)
        clean_page.get_by_label("Password").fill(PASSWORD)
        clean_page.get_by_role("button", name="Sign in").click()
        expect(clean_page.get_by_role("heading", level=1)).to_have_text("Review queue")

    return sign_in


def is_fit(page: Page) -> None:
    """No serious finding of axe, nothing wider than the screen."""
    assert serious(page) == []
    assert not scrolls_sideways(page)


def open_incident(engineer: Person) -> Ticket:
    """The first incident of the walkthrough, drafted by the runbook drafter and prepared for review."""
    body = TicketIn(data=incidents.payments(KEY, timezone.now()))
    body.is_valid(raise_exception=True)
    opened = tickets.open_ticket(opener=engineer, new=new_ticket(body.validated_data), door="api", at=timezone.now())
    drain("drafting", "probe")
    return opened.ticket


def edit(page: Page) -> None:
    page.get_by_role("link", name="Edit").click()
    field = page.locator("#draft")
    expect(field).to_have_value(re.compile("out_of_scope:"))
    page.wait_for_load_state()
    text = field.input_value()
    page.get_by_role("textbox", name="The draft, as YAML in the closed schema").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text.replace("out_of_scope:\n", "out_of_scope:\n  - The primary pool.\n"))
    expect(field).to_have_value(re.compile("The primary pool"))
    is_fit(page)
    page.get_by_role("button", name="Save as a new revision").click()
    expect(page.get_by_text("The draft is being checked")).to_be_attached()
    drain("probe")


def press(page: Page, site: LiveServer, name: str, then: str) -> None:
    page.goto(f"{site.url}/tickets/{KEY}/review")
    is_fit(page)
    page.get_by_role("button", name=name).click()
    expect(page.get_by_text(then)).to_be_visible()


def answer(page: Page, site: LiveServer) -> None:
    page.goto(f"{site.url}/tickets/{KEY}/feedback")
    is_fit(page)
    page.locator("input[name=rating][value='5']").check(force=True)
    page.locator("input[name=feedback_type][value='positive']").check()
    page.locator("main form button[type=submit], main form button:not([type])").first.click()
    expect(page.get_by_text("Thank you")).to_be_visible()


def test_one_incident_from_sign_in_to_feedback(
    site: LiveServer, cast: dict[str, Person], clean_page: Page, enter: Callable[[Person], None]
) -> None:
    page = clean_page
    ticket = open_incident(cast["engineer"])

    enter(cast["reviewer"])
    is_fit(page)
    page.get_by_role("link", name=ticket.title).first.click()
    expect(page.get_by_text("drafted by Runbook drafter")).to_be_visible()
    edit(page)

    enter(cast["approver"])
    press(page, site, "Sign merge", "You signed the merge stage.")
    enter(cast["second approver"])
    press(page, site, "Sign rollout: runs scale_deployment on payments-secondary", "You signed the rollout stage.")

    drain("execution", "general")
    enter(cast["operator"])
    page.goto(f"{site.url}/tickets/{KEY}/run")
    expect(page.get_by_text("Verified").first).to_be_visible()
    is_fit(page)

    enter(cast["engineer"])
    answer(page, site)
    drain("general")
    in_the_database(cast)


def in_the_database(cast: dict[str, Person]) -> None:
    remediation = Remediation.objects.select_related("ticket__pattern").get(ticket__key=KEY)
    assert (remediation.status, remediation.ticket.status) == ("succeeded", "resolved")
    assert [revision.drafter for revision in remediation.revisions.all()] == ["runbook", "person"]
    signers = Vote.objects.order_by("id").values_list("person__username", flat=True)
    assert list(signers) == ["approver", "second-approver"]
    assert StepRun.objects.get().status == "verified"
    assert Feedback.objects.get().person == cast["engineer"]
    pattern = Pattern.objects.get()
    assert remediation.ticket.pattern == pattern
    assert (pattern.occurrences, pattern.feedback_count, pattern.succeeded_count) == (1, 1, 1)
    kinds = set(Event.objects.filter(ticket_key=KEY).values_list("kind", flat=True))
    wanted = {"ticket.opened", "revision.created", "plan.signed", "plan.claimed", "run.started", "feedback.given"}
    assert wanted - kinds == set()
    assert Event.objects.filter(kind="person.signed_in").count() == 5
