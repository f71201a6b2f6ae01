"""The inbox and the bell: a person's own notices, newest first."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.notices import services as notices
from portal.notices.models import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Person:
    return Person.objects.create_user("alice")


@pytest.fixture
def inbox(alice: Person) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def tell(person: Person, *texts: str) -> None:
    for text in texts:
        notices.tell(
            [person], kind="test", ticket_key="INC-1", text=text, path="/tickets/INC-1/review", at=timezone.now()
        )


def test_notices_are_one_s_own_and_the_newest_comes_first(inbox: Client, alice: Person) -> None:
    tell(alice, "First", "Second")
    tell(Person.objects.create_user("bob"), "Not yours")
    page = inbox.get("/notices").content.decode()
    assert page.index("Second") < page.index("First")
    assert "Not yours" not in page
    assert 'href="/tickets/INC-1/review"' in page
    assert Client().get("/notices").status_code == 302


def test_the_bell_counts_what_is_unread_and_stops_counting(inbox: Client, alice: Person) -> None:
    assert 'aria-label="Notices"' in inbox.get("/notices").content.decode()
    tell(alice, "One", "Two")
    assert "Notices, 2 unread" in inbox.get("/notices").content.decode()
    tell(alice, *map(str, range(120)))
    assert "Notices, 100 or more unread" in inbox.get("/notices").content.decode()


def test_marking_all_as_read_leaves_others_alone(inbox: Client, alice: Person) -> None:
    tell(alice, "One", "Two")
    bob = Person.objects.create_user("bob")
    tell(bob, "Three")
    assert inbox.get("/notices/read").status_code == 405
    assert inbox.post("/notices/read").status_code == 302
    assert Notice.objects.filter(read_at=None).get().person == bob
    assert "Notices, " not in inbox.get("/notices").content.decode()


def test_what_arrives_later_is_not_marked_with_it(alice: Person) -> None:
    tell(alice, "One", "Two")
    first, second = Notice.objects.order_by("created_at")
    assert notices.mark_read(alice, at=first.created_at) == 1
    assert Notice.objects.get(read_at=None) == second


def test_pages_join(inbox: Client, alice: Person) -> None:
    tell(alice, *map(str, range(60)))
    first = inbox.get("/notices")
    second = inbox.get(f"/notices{first.context['older']}")
    shown = [notice.text for answer in (first, second) for notice in answer.context["page"].items]
    assert shown == [str(number) for number in reversed(range(60))]


def test_an_empty_inbox_says_what_it_is_for(inbox: Client) -> None:
    assert "No notices" in inbox.get("/notices").content.decode()
