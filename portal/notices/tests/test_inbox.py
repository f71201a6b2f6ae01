"""The inbox and the bell: a person's own notices, newest first; what each channel did; what comes where."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.access.models import Person
from portal.notices import services as notices
from portal.notices.kinds import KINDS, UnknownKind
from portal.notices.models import Message, Notice, Preference

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Person:
    return Person.objects.create_user("alice", email="alice@example.com")


@pytest.fixture
def inbox(alice: Person) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def tell(person: Person, *texts: str, kind: str = "run", key: str = "") -> int:
    return sum(
        notices.tell(
            [person],
            kind=kind,
            ticket_key="INC-1",
            text=text,
            path="/tickets/INC-1/review",
            at=timezone.now(),
            key=key or str(uuid4()),
        )
        for text in texts
    )


def test_notices_are_one_s_own_and_the_newest_comes_first(inbox: Client, alice: Person) -> None:
    tell(alice, "First", "Second")
    tell(Person.objects.create_user("bob"), "Not yours")
    page = inbox.get("/notices").content.decode()
    assert page.index("Second") < page.index("First")
    assert "Not yours" not in page
    assert 'href="/tickets/INC-1/review"' in page
    assert Client().get("/notices").status_code == 302


def test_under_one_key_a_thing_is_said_once(alice: Person) -> None:
    assert tell(alice, "First", key="plan:1:asked") == 1
    assert tell(alice, "Again", "And again", key="plan:1:asked") == 0
    assert tell(alice, "Something else", key="plan:2:asked") == 1
    assert list(Message.objects.values_list("text", flat=True)) == ["First", "Something else"]


def test_a_kind_that_nobody_listed_is_a_mistake_of_the_caller(alice: Person) -> None:
    with pytest.raises(UnknownKind, match="gossip"):
        tell(alice, "Psst", kind="gossip")


def test_the_bell_counts_what_is_unread_and_stops_counting(inbox: Client, alice: Person) -> None:
    assert 'aria-label="Notices"' in inbox.get("/notices").content.decode()
    tell(alice, "One", "Two")
    assert "Notices, 2 unread" in inbox.get("/notices").content.decode()
    tell(alice, *map(str, range(120)))
    assert "Notices, 100 or more unread" in inbox.get("/notices").content.decode()


def test_marking_all_as_read_leaves_others_and_later_ones_alone(inbox: Client, alice: Person) -> None:
    tell(alice, "One", "Two")
    shown = inbox.get("/notices").context["page"].items[0].pk
    tell(alice, "Three, while the page was open")
    bob = Person.objects.create_user("bob")
    tell(bob, "Four")
    assert inbox.get("/notices/read").status_code == 405
    assert inbox.post("/notices/read", {"until": shown}).status_code == 302
    new = Notice.objects.filter(read_at=None)
    assert list(new.order_by("id").values_list("message__text", flat=True)) == [
        "Three, while the page was open",
        "Four",
    ]


@pytest.mark.parametrize("until", ["", "x", "-1", "9" * 40, "9" * 5000])
def test_a_forged_end_of_what_was_read_marks_nothing(inbox: Client, alice: Person, until: str) -> None:
    tell(alice, "One")
    assert inbox.post("/notices/read", {"until": until}).status_code == 302
    assert notices.unread(alice.pk) == 1


def test_one_notice_is_marked_and_only_one_s_own(inbox: Client, alice: Person) -> None:
    bob = Person.objects.create_user("bob")
    tell(alice, "One", "Two")
    tell(bob, "Three")
    first, second, third = Notice.objects.order_by("id")
    assert inbox.post(f"/notices/{first.pk}/read").status_code == 302
    assert inbox.post(f"/notices/{first.pk}/read").status_code == 302
    assert inbox.post(f"/notices/{third.pk}/read").status_code == 404
    assert list(Notice.objects.filter(read_at=None).order_by("id")) == [second, third]


def test_the_new_ones_can_be_seen_alone(inbox: Client, alice: Person) -> None:
    tell(alice, "Old")
    inbox.post("/notices/read", {"until": Notice.objects.get().pk})
    assert "Nothing new" in inbox.get("/notices?show=unread").content.decode()
    tell(alice, "Fresh")
    page = inbox.get("/notices?show=unread").content.decode()
    assert "Fresh" in page
    assert "Old" not in page


def test_pages_join(inbox: Client, alice: Person) -> None:
    tell(alice, *map(str, range(60)))
    first = inbox.get("/notices")
    second = inbox.get(f"/notices{first.context['older']}")
    shown = [notice.message.text for answer in (first, second) for notice in answer.context["page"].items]
    assert shown == [str(number) for number in reversed(range(60))]


def test_an_empty_inbox_says_what_it_is_for(inbox: Client) -> None:
    assert "No notices" in inbox.get("/notices").content.decode()


def test_what_one_does_not_want_here_does_not_come_here(inbox: Client, alice: Person) -> None:
    wanted = [slug for slug in KINDS if slug != "run"]
    assert inbox.post("/notices/preferences", {"in_inbox": wanted, "by_mail": ["run"]}).status_code == 302
    tell(alice, "A run ended")
    tell(alice, "You are asked", kind="reminder")
    page = inbox.get("/notices").content.decode()
    assert "You are asked" in page
    assert "A run ended" not in page
    assert notices.unread(alice.pk) == 1


@pytest.mark.parametrize("kind", ["stop", "partial"])
def test_what_is_mandatory_cannot_be_switched_off(inbox: Client, alice: Person, kind: str) -> None:
    inbox.post("/notices/preferences", {"by_mail": ["nonsense"]})
    Preference.objects.filter(person=alice, kind=kind).update(in_inbox=False)  # not even by hand
    tell(alice, "Stopped", kind=kind)
    assert notices.unread(alice.pk) == 1
    assert set(Preference.objects.values_list("kind", flat=True)) == set(KINDS)


def test_the_page_of_preferences_says_whether_mail_is_on(inbox: Client, alice: Person, settings: Settings) -> None:
    assert "E-mail is off on this site" in inbox.get("/notices/preferences").content.decode()
    settings.MAIL_URL = "smtp://mail.example.com"
    assert "E-mail goes to alice@example.com" in inbox.get("/notices/preferences").content.decode()
    Person.objects.filter(pk=alice.pk).update(email="")
    assert "You have no e-mail address" in inbox.get("/notices/preferences").content.decode()
