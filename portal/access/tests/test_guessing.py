"""Guessing passwords is slowed down: per account and address, per address, per account, and nobody else suffers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client, RequestFactory

from portal.access import throttle
from portal.access.models import FailedSignIn, Person
from portal.audit.models import Event
from portal.kit.testing.queries import statements

pytestmark = pytest.mark.django_db
WRONG, RIGHT = "wrong", "correct horse"


@pytest.fixture(autouse=True)
def alice() -> Person:
    return Person.objects.create_user("alice", "correct horse")


def attempt(name: str = "alice", password: str = WRONG, address: str = "192.0.2.1") -> tuple[int, str]:
    answer = Client(REMOTE_ADDR=address).post("/login", {"username": name, "password": password})
    return answer.status_code, answer.content.decode()


def later(minutes: int) -> None:
    FailedSignIn.objects.update(at=F("at") - timedelta(minutes=minutes))


def test_after_five_wrong_passwords_even_the_right_one_waits_and_then_works() -> None:
    assert [attempt()[0] for _ in range(throttle.PER_PAIR)] == [200] * throttle.PER_PAIR
    status, page = attempt(password=RIGHT)
    assert status == 429
    assert "Too many wrong passwords. Try again in 15 minutes." in page
    later(14)
    assert "Try again in 1 minute." in attempt(password=RIGHT)[1]
    later(1)
    assert attempt(password=RIGHT)[0] == 302


def test_others_sign_in_meanwhile_and_so_does_the_owner_from_elsewhere() -> None:
    Person.objects.create_user("bob", "quiet stork")
    for _ in range(throttle.PER_PAIR + 2):
        attempt()
    assert attempt("bob", "quiet stork")[0] == 302
    assert attempt(password=RIGHT, address="192.0.2.2")[0] == 302


def test_a_right_password_forgives_the_typing_errors_before() -> None:
    for _ in range(throttle.PER_PAIR - 1):
        attempt()
    assert attempt(password=RIGHT)[0] == 302
    assert attempt()[0] == 200
    assert attempt(password=RIGHT)[0] == 302


def test_one_address_cannot_try_a_password_on_everybody() -> None:
    for number in range(throttle.PER_ADDRESS):
        assert attempt(f"person {number}")[0] == 200
    assert attempt(password=RIGHT)[0] == 429
    assert attempt(password=RIGHT, address="192.0.2.2")[0] == 302


def test_many_addresses_cannot_try_everything_on_one_account() -> None:
    for number in range(throttle.PER_ACCOUNT):
        attempt(address=f"198.51.100.{number}")
    assert attempt(password=RIGHT)[0] == 429


def test_an_account_that_does_not_exist_answers_the_same_and_leaves_no_name() -> None:
    answers = [
        [page.split("<form")[0] for _, page in (attempt(name, address=address) for _ in range(throttle.PER_PAIR + 1))]
        for name, address in (("alice", "192.0.2.1"), ("my secret password", "192.0.2.2"))
    ]
    assert answers[0] == answers[1]
    assert not FailedSignIn.objects.filter(account__icontains="secret").exists()
    assert not Event.objects.filter(subject_name__icontains="secret").exists()


def test_the_wait_is_recorded_once_and_waiting_writes_nothing() -> None:
    for _ in range(throttle.PER_PAIR):
        attempt()
    kinds = ["person.sign_in_failed"] * throttle.PER_PAIR + ["person.sign_in_slowed"]
    assert list(Event.objects.order_by("id").values_list("kind", flat=True)) == kinds
    before = FailedSignIn.objects.count()
    for _ in range(3):
        attempt()
    assert (Event.objects.count(), FailedSignIn.objects.count()) == (len(kinds), before)


def test_signing_in_writes_no_row_and_old_failures_go() -> None:
    attempt()
    later(throttle.WINDOW // timedelta(minutes=1) + 1)
    attempt("somebody")
    assert FailedSignIn.objects.count() == 1
    with statements() as queries:
        assert attempt(password=RIGHT, address="192.0.2.9")[0] == 302
    assert not [query for query in queries if 'INSERT INTO "access_failedsignin"' in query]


def test_the_password_asked_again_is_no_way_around() -> None:
    client = Client()
    client.force_login(Person.objects.get(username="alice"))
    answers = [client.post("/sign-in/again", {"password": "wrong"}).status_code for _ in range(throttle.PER_PAIR)]
    assert answers == [422] * throttle.PER_PAIR
    refused = client.post("/sign-in/again", {"password": "correct horse"})
    assert refused.status_code == 429
    assert "Too many wrong passwords." in refused.content.decode()


@pytest.mark.parametrize(
    ("proxy", "headers", "address"),
    [
        ("direct", {"REMOTE_ADDR": "192.0.2.7"}, "192.0.2.7"),
        ("direct", {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, "192.0.2.7"),
        ("behind a proxy", {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9"}, "203.0.113.9"),
        ("behind a proxy", {"REMOTE_ADDR": "10.0.0.1"}, "10.0.0.1"),
        ("behind a proxy", {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "nonsense"}, "unknown"),
        ("direct", {"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"),
        ("direct", {"REMOTE_ADDR": ""}, "unknown"),
    ],
)
def test_an_address_is_what_nobody_can_choose(settings: Any, proxy: str, headers: dict[str, str], address: str) -> None:
    settings.BEHIND_PROXY = proxy == "behind a proxy"
    assert throttle.address_of(RequestFactory().post("/login", **headers)) == address  # type: ignore[arg-type]
