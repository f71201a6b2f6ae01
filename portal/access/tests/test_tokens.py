"""A person's own tokens and sign-ins, through the pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from portal.access import tokens
from portal.access.models import Person, Token
from portal.access.testing import caller, person
from portal.audit.models import Event

PAGE = "/account/tokens"


@pytest.fixture
def alice(db: None) -> Person:
    return person("alice", "engineer")


@pytest.fixture
def browser(alice: Person) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def filled_in(client: Client, **changes: object) -> dict[str, object]:
    once = client.get(PAGE).context["form"]["once"].value()
    return {"name": "nightly report", "scopes": ["tickets:read"], "days": "30", "once": once, **changes}


def issue(client: Client, **changes: object) -> str:
    form = filled_in(client, **changes)
    answer = client.post(PAGE, form)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    found = re.search(r'data-text="(cs_[^"]+)"', answer.content.decode())
    assert found
    return found[1]


def test_a_token_is_shown_once_works_and_is_kept_as_a_digest(browser: Client, alice: Person) -> None:
    text = issue(browser)
    token = Token.objects.get()
    assert (token.person, token.scopes, token.digest) == (alice, ["tickets:read"], tokens.digest_of(text))
    assert token.expires_at is not None
    assert text not in browser.get(PAGE).content.decode()
    assert Client().get("/api/v1/tickets", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    assert Event.objects.get(kind="token.issued").actor_name == "alice"


def test_an_answer_that_is_loaded_again_issues_no_second_token(browser: Client) -> None:
    form = filled_in(browser)
    assert browser.post(PAGE, form).status_code == 200
    again = browser.post(PAGE, form, follow=True)
    assert again.redirect_chain == [(PAGE, 302)]
    assert "This form was sent before." in again.content.decode()
    assert Token.objects.count() == 1
    assert browser.post(PAGE, filled_in(browser)).status_code == 200
    assert Token.objects.count() == 2


def test_a_token_ends_at_its_time(browser: Client) -> None:
    text = issue(browser)
    ends = Token.objects.get().expires_at
    assert ends is not None
    assert tokens.find(text, at=ends - timedelta(microseconds=1)) == Token.objects.get()
    assert tokens.find(text, at=ends) is None


def test_a_revoked_token_stops_working_with_the_next_request(browser: Client) -> None:
    text = issue(browser, days="")
    token = Token.objects.get()
    assert token.expires_at is None
    browser.post(f"{PAGE}/{token.pk}/revoke")
    assert Client().get("/api/v1/tickets", headers={"Authorization": f"Bearer {text}"}).status_code == 401
    again = browser.post(f"{PAGE}/{token.pk}/revoke", follow=True)
    assert "has been revoked before" in again.content.decode()
    assert Event.objects.filter(kind="token.revoked").count() == 1


def test_other_people_s_tokens_do_not_exist(browser: Client) -> None:
    caller(person("bob"))
    foreign = Token.objects.get()
    assert browser.post(f"{PAGE}/{foreign.pk}/revoke").status_code == 404
    assert foreign.prefix not in browser.get(PAGE).content.decode()
    assert Token.objects.get().revoked_at is None


@pytest.mark.parametrize("changes", [{"scopes": []}, {"scopes": ["root"]}, {"name": ""}, {"days": "9999"}])
def test_a_token_that_asks_for_nonsense_is_not_issued(browser: Client, changes: dict[str, object]) -> None:
    assert browser.post(PAGE, filled_in(browser, **changes)).status_code == 422
    assert not Token.objects.exists()


def test_pages_of_the_account_ask_who_you_are(db: None) -> None:
    for path in (PAGE, "/account/password"):
        assert Client().get(path)["Location"] == f"/login?next={path}"


def test_signing_in_and_out_is_recorded_and_so_is_a_wrong_password(alice: Person) -> None:
    alice.set_password("correct horse battery")
    alice.save()
    client = Client()
    client.post("/login", {"username": "alice", "password": "wrong"})
    client.post("/login", {"username": "correct horse battery", "password": "alice"})
    client.post("/login", {"username": "alice", "password": "correct horse battery"})
    client.post("/logout")
    events = Event.objects.filter(kind__startswith="person.").order_by("id")
    kinds = ["person.sign_in_failed", "person.signed_in", "person.signed_out"]
    assert list(events.values_list("kind", flat=True)) == kinds
    assert {event.subject_name for event in events} == {"alice"}


def test_a_new_password_is_recorded(browser: Client, alice: Person) -> None:
    alice.set_password("correct horse battery")
    alice.save()
    browser.force_login(alice)
    new = {"new_password1": "staple-and-more-7", "new_password2": "staple-and-more-7"}
    answer = browser.post("/account/password", {"old_password": "correct horse battery", **new})
    assert answer["Location"] == "/account/password/done"
    assert Event.objects.filter(kind="person.password_changed", actor_name="alice").count() == 1
