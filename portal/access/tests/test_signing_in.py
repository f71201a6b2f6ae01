"""Signing in and out through every door: the session, the way back, and the events."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.access.models import Person
from portal.audit.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Person:
    return Person.objects.create_user("alice", "correct horse")


def sign_in(client: Client, wanted: str = "") -> tuple[int, str]:
    answer = client.post("/login", {"username": "alice", "password": "correct horse", "next": wanted})
    return answer.status_code, answer.headers.get("Location", "")


def recorded() -> list[tuple[str, str, str]]:
    return [(event.kind, event.subject_name, event.door) for event in Event.objects.order_by("id")]


def test_the_page_answers_before_anybody_signed_in() -> None:
    assert Client().get("/login").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("", "/"),
        ("/tickets?status=failed", "/tickets?status=failed"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_signing_in_leads_back_and_never_away(alice: Person, wanted: str, leads_to: str) -> None:
    assert sign_in(Client(), wanted) == (302, leads_to)


def test_coming_and_going_leave_events_and_a_new_session(alice: Person) -> None:
    client = Client()
    client.get("/login")
    client.session["planted"] = "by somebody else"
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before
    assert client.post("/logout").status_code == 302
    assert recorded() == [("person.signed_in", "alice", "page"), ("person.signed_out", "alice", "page")]
    assert client.get("/account/tokens").status_code == 302


def test_a_link_signs_nobody_out(alice: Person) -> None:
    client = Client()
    sign_in(client)
    assert client.get("/logout").status_code == 405
    assert client.get("/account/tokens").status_code == 200


def test_a_failure_says_the_same_to_everybody_and_is_recorded_for_those_who_exist(alice: Person) -> None:
    Person.objects.create_user("gone", "correct horse", is_active=False)
    answers = {
        name: Client().post("/login", {"username": name, "password": "wrong"}).content.decode().split("<form")[0]
        for name in ("alice", "nobody", "gone")
    }
    assert len(set(answers.values())) == 1
    assert recorded() == [("person.sign_in_failed", "alice", "page"), ("person.sign_in_failed", "gone", "page")]


def test_a_deactivated_person_does_not_get_in(alice: Person) -> None:
    Person.objects.update(is_active=False)
    assert sign_in(Client())[0] == 200
    assert "person.signed_in" not in [kind for kind, *_ in recorded()]


def test_the_settings_are_entered_and_left_by_the_same_doors(alice: Person) -> None:
    client = Client()
    answer = client.get("/admin/access/person/", follow=True)
    assert answer.redirect_chain[-1][0] == "/login?next=%2Fadmin%2Faccess%2Fperson%2F"
    sign_in(client)
    refused = client.get("/admin/", follow=True)
    assert "may not see that page" in refused.content.decode()
    Person.objects.update(is_staff=True)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/password_change/", follow=True).redirect_chain[-1][0] == "/account/password"
    assert client.post("/admin/logout/", follow=True).redirect_chain == [("/logout", 307), ("/login", 302)]
    assert recorded()[-1] == ("person.signed_out", "alice", "page")


@pytest.mark.parametrize("path", ["/login", "/", "/api/v1/tickets"])
def test_another_host_s_name_is_a_bad_request_and_no_error(path: str) -> None:
    answer = Client().get(path, headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "elsewhere" not in answer.content.decode()
