"""A fresh sign-in for what wants one: asked for, remembered, recorded, and nothing typed before is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from portal.access import sessions, stepup
from portal.access.models import Person
from portal.audit.models import Event

pytestmark = pytest.mark.django_db
PAGE = "/sign-in/again"
WORD = {"password": "correct horse"}


@pytest.fixture
def browser() -> Client:
    Person.objects.create_user("alice", "correct horse")
    client = Client()
    client.post("/login", {"username": "alice", "password": "correct horse"})
    return client


def request_with(session: SessionBase, path: str = "/", data: dict[str, str] | None = None) -> HttpRequest:
    request = RequestFactory().post(path, data) if data is not None else RequestFactory().get(path)
    request.session = session
    return request


def age(client: Client, minutes: int) -> None:
    session = client.session
    session[sessions.AUTHENTICATED_AT] = (timezone.now() - timedelta(minutes=minutes)).isoformat()
    session.save()


def seconds_ago(client: Client) -> float:
    signed_in = sessions.authenticated_at(request_with(client.session))
    assert signed_in is not None
    return (timezone.now() - signed_in).total_seconds()


def test_a_session_knows_when_its_password_was_entered(browser: Client) -> None:
    assert 0 <= seconds_ago(browser) < 60
    assert sessions.authenticated_at(request_with(Client().session)) is None


def test_the_password_refreshes_it_with_a_new_key_and_an_event(browser: Client) -> None:
    age(browser, minutes=30)
    key = browser.session.session_key
    answer = browser.post(PAGE, {**WORD, "next": "/tickets?status=failed"})
    assert (answer.status_code, answer["Location"]) == (302, "/tickets?status=failed")
    assert seconds_ago(browser) < 60
    assert browser.session.session_key != key
    assert Event.objects.latest("id").kind == "person.signed_in_again"


def test_a_wrong_password_refreshes_nothing(browser: Client) -> None:
    age(browser, minutes=30)
    answer = browser.post(PAGE, {"password": "wrong", "next": "/tickets"})
    assert answer.status_code == 422
    assert "This is not your password." in answer.content.decode()
    assert seconds_ago(browser) > 1700
    assert Event.objects.latest("id").kind == "person.sign_in_failed"


def test_somebody_else_s_password_is_none(browser: Client) -> None:
    Person.objects.create_user("bob", "quiet stork")
    assert browser.post(PAGE, {"username": "bob", "password": "quiet stork"}).status_code == 422


@pytest.mark.parametrize("wanted", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", ""])
def test_it_leads_nowhere_else(browser: Client, wanted: str) -> None:
    assert browser.post(PAGE, {**WORD, "next": wanted})["Location"] == "/"
    assert "elsewhere" not in browser.get(PAGE, {"next": wanted}).content.decode()


def test_those_who_are_not_signed_in_sign_in_first() -> None:
    assert Client().get(f"{PAGE}?next=/tickets")["Location"] == "/login?next=/sign-in/again%3Fnext%3D/tickets"


def test_what_was_typed_is_back_once_on_the_page_it_was_meant_for(browser: Client) -> None:
    session = browser.session
    typed = {"comment": "Looks right.", "password": "correct horse", "csrfmiddlewaretoken": "x", "long": "x" * 30_000}
    answer = stepup.ask_again(request_with(session, "/sign", typed), back="/tickets/T-1/review?tab=steps")
    assert answer["Location"] == "/sign-in/again?next=%2Ftickets%2FT-1%2Freview%3Ftab%3Dsteps"
    assert "correct horse" not in str(dict(session.items()))
    session.save()
    browser.post(PAGE, {**WORD, "next": "/tickets/T-1/review?tab=steps"})
    session = browser.session
    assert stepup.typed_before(request_with(session, "/tickets/T-2/review")) == {}
    kept = stepup.typed_before(request_with(session, "/tickets/T-1/review"))
    assert kept == {"comment": "Looks right.", "long": "x" * stepup.LONGEST}
    assert stepup.typed_before(request_with(session, "/tickets/T-1/review")) == {}
