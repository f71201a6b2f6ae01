"""Letters leave for real servers: what arrives, and what happens when it does not."""

from __future__ import annotations

import http.server
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.access.models import Person
from portal.access.testing import person
from portal.jobs.testing import drain
from portal.notices import delivering, outlets
from portal.notices import services as notices
from portal.notices.models import Letter, Message, Outlet, Preference, WebhookSecret
from portal.notices.states import MAX_TRIES, LetterState
from portal.notices.tests.servers import Mails, Received, Web, mails, make_certificate, say, web
from portal.notices.webhooks import signature

SMTP = "django.core.mail.backends.smtp.EmailBackend"
LATER = timedelta(hours=12)


@pytest.fixture
def site(db: None, settings: Settings) -> Settings:
    """A site with an address, whose outlets wait for a busy machine."""
    settings.SITE_URL = "https://countersign.example.com"
    settings.NOTICES_TIMEOUT_SECONDS = settings.EMAIL_TIMEOUT = 30.0
    return settings


@pytest.fixture
def mailbox(site: Settings) -> Iterator[Mails]:
    """A site with a mail server."""
    with mails() as server:
        _use(site, server)
        yield server


@pytest.fixture
def hook(site: Settings) -> Iterator[Web]:
    """A site with a webhook."""
    with web() as server:
        _register(server.url())
        yield server


@pytest.fixture
def alice(db: None) -> Person:
    return Person.objects.create_user("alice", email="alice@example.com")


def _use(settings: Settings, server: Mails, scheme: str = "smtp") -> None:
    settings.MAIL_URL = f"{scheme}://127.0.0.1:{server.port}"
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", server.port


def _register(url: str, *kinds: str) -> Outlet:
    petra = person("petra", "policy admin")
    outlet, _ = outlets.register(name="on-call", url=url, kinds=kinds, person=petra, door="page", at=timezone.now())
    return outlet


def tell(*people: Person, text: str = "INC-1 waits.", kind: str = "reminder") -> datetime:
    """Say it, and have its letters written."""
    at = timezone.now()
    path, key = "/tickets/INC-1/review", str(uuid4())
    notices.tell(people, kind=kind, ticket_key="INC-1", text=text, path=path, at=at, key=key)
    return at


def send(at: datetime) -> None:
    """Whatever is due at this time leaves."""
    for outlet in Outlet.objects.all():
        delivering.send(outlet.pk, at=at)


def letter() -> Letter:
    return Letter.objects.select_related("outlet").get()


def test_a_mail_arrives_with_a_plain_text_and_an_id_of_its_own(mailbox: Mails, alice: Person) -> None:
    tell(alice, text="INC-1 waits.\nBcc: everybody")
    drain("general")
    (mail,) = mailbox.received
    sent = letter()
    assert mail["To"] == "alice@example.com"
    assert mail["Subject"] == "[Countersign] Asked to sign: INC-1 waits. Bcc: everybody"
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == f"<{sent.uid}@countersign.example.com>"
    assert mail.get_content_type() == "text/plain"
    assert "https://countersign.example.com/tickets/INC-1/review" in mail.get_payload()
    assert (sent.state, sent.tries, sent.person) == (LetterState.SENT, 1, alice)


def test_mail_goes_to_those_who_want_it_and_can_get_it(mailbox: Mails, alice: Person) -> None:
    bob = Person.objects.create_user("bob", email="bob@example.com")
    Preference.objects.create(person=bob, kind="reminder", in_inbox=True, by_mail=False)
    carol = Person.objects.create_user("carol")
    dave = Person.objects.create_user("dave", email="dave@example.com", is_active=False)
    tell(alice, bob, carol, dave)
    tell(alice, bob, text="A run ended.", kind="run")  # a kind that comes by mail only if one asks for it
    drain("general")
    assert [mail["To"] for mail in mailbox.received] == ["alice@example.com"]


def test_nothing_is_written_while_mail_is_off(site: Settings, alice: Person) -> None:
    tell(alice)
    drain("general")
    assert not Letter.objects.exists()


def test_a_storm_becomes_a_mail_and_a_digest(mailbox: Mails, alice: Person) -> None:
    tell(alice, text="Disk full on log-1.")
    drain("general")
    for _ in range(200):
        at = tell(alice, text="Disk full on log-1.")
    drain("general")
    assert len(mailbox.received) == 1
    send(at + timedelta(minutes=6))
    assert len(mailbox.received) == 2
    assert "(200 times, the last at" in mailbox.received[1].get_payload()
    assert sorted(Letter.objects.values_list("size", "state")) == [(1, "sent"), (200, "sent")]


def test_another_kind_does_not_wait_for_the_digest(mailbox: Mails, alice: Person) -> None:
    tell(alice)
    tell(alice, text="Everything is stopped.", kind="stop")
    drain("general")
    assert len(mailbox.received) == 2


def test_one_bad_address_holds_up_nobody_else(mailbox: Mails, alice: Person) -> None:
    mailbox.refuses.add("alice@")
    tell(alice, Person.objects.create_user("bob", email="bob@example.com"))
    drain("general")
    assert [mail["To"] for mail in mailbox.received] == ["bob@example.com"]
    waiting = Letter.objects.get(person=alice)
    assert waiting.state == LetterState.WAITING
    assert "nobody of that name" in waiting.error
    assert waiting.due_at > timezone.now()
    assert Outlet.objects.get(channel="mail").rests_until is None


@pytest.mark.parametrize("trouble", ["is_silent", "hangs_up"])
def test_a_mail_server_in_trouble_rests_and_is_tried_again(
    mailbox: Mails, alice: Person, site: Settings, trouble: str
) -> None:
    patience, site.EMAIL_TIMEOUT = site.EMAIL_TIMEOUT, 0.5
    setattr(mailbox, trouble, True)
    tell(alice)
    drain("general")
    server = Outlet.objects.get(channel="mail")
    assert server.failures == 1
    assert server.error
    assert letter().state == LetterState.WAITING

    setattr(mailbox, trouble, False)
    site.EMAIL_TIMEOUT = patience
    send(timezone.now() + LATER)
    server.refresh_from_db()
    assert letter().state == LetterState.SENT
    assert (server.failures, server.rests_until, server.error) == (0, None, "")
    assert len({mail["Message-ID"] for mail in mailbox.received}) == 1


def test_the_password_goes_over_tls_only_and_to_the_right_server_only(
    site: Settings, alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    site.EMAIL_USE_TLS, site.EMAIL_HOST_USER, site.EMAIL_HOST_PASSWORD = True, "ops", "s3cret"
    with mails(certificate) as server:
        _use(site, server, "smtp+tls")
        site.EMAIL_HOST = "localhost"
        tell(alice)
        drain("general")
        assert "CERTIFICATE_VERIFY_FAILED" in letter().error
        assert server.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        send(timezone.now() + LATER)
        assert letter().state == LetterState.SENT
        assert len(server.logins) == 1


def test_a_webhook_is_signed_versioned_and_numbered(hook: Web) -> None:
    tell(text="INC-1 waits.")
    drain("general")
    (request,) = hook.received
    body = json.loads(request.body)
    secret = WebhookSecret.objects.get().secret
    assert request.path == "/hook?team=ops"
    assert request.headers["Countersign-Id"] == body["id"] == str(letter().uid)
    expected = signature(secret, request.headers["Countersign-Timestamp"], request.body)
    assert request.headers["Countersign-Signature"] == expected
    assert body["version"] == 1
    assert [each["text"] for each in body["notices"]] == ["INC-1 waits."]
    assert letter().state == LetterState.SENT


def test_a_webhook_gets_the_kinds_it_asked_for(site: Settings) -> None:
    with web() as server:
        _register(server.url(), "stop")
        tell()
        tell(text="Everything is stopped.", kind="stop")
        drain("general")
    assert [json.loads(each.body)["kind"] for each in server.received] == ["stop"]


def test_a_new_secret_signs_from_then_on(hook: Web) -> None:
    outlet = Outlet.objects.get(channel="webhook")
    fresh = outlets.new_secret(outlet.pk, person=person("petra", "policy admin"), door="page", at=timezone.now())
    tell()
    drain("general")
    (request,) = hook.received
    assert request.headers["Countersign-Signature"] == signature(
        fresh, request.headers["Countersign-Timestamp"], request.body
    )


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_webhook_in_trouble_rests_and_gets_the_same_letter_later(hook: Web, status: int) -> None:
    hook.answer = lambda _, to: say(to, status)
    tell()
    drain("general")
    outlet = Outlet.objects.get(channel="webhook")
    assert outlet.error == f"It answered {status}."
    assert outlet.rests_until
    tell(text="Another one, meanwhile.")
    drain("general")
    assert len(hook.received) == 1  # it rests

    hook.answer = lambda _, to: say(to, 204)
    send(timezone.now() + LATER)
    first, again, other = hook.received
    assert (first.body, first.headers["Countersign-Id"]) == (again.body, again.headers["Countersign-Id"])
    assert other.headers["Countersign-Id"] != first.headers["Countersign-Id"]
    assert set(Letter.objects.values_list("state", flat=True)) == {LetterState.SENT}


@pytest.mark.parametrize(
    ("status", "words"), [(400, "It answered 400."), (404, "It answered 404."), (410, "It answered 410.")]
)
def test_a_letter_that_is_refused_waits_and_the_next_one_goes(hook: Web, status: int, words: str) -> None:
    hook.answer = lambda request, to: say(to, status if b"A bad one." in request.body else 204)
    tell(text="A bad one.")
    drain("general")
    tell(text="A good one.")
    drain("general")
    bad, good = Letter.objects.order_by("id")
    assert (bad.state, bad.error, good.state) == (LetterState.WAITING, words, LetterState.SENT)
    assert Outlet.objects.get(channel="webhook").rests_until is None


def test_a_redirect_is_not_followed(hook: Web) -> None:
    with web() as other:
        hook.answer = lambda _, to: say(to, 307, Location=other.url())
        tell()
        drain("general")
        assert other.received == []
    assert "Redirects are not followed" in letter().error


def test_a_server_that_takes_its_time_is_cut_off(hook: Web, site: Settings) -> None:
    site.NOTICES_TIMEOUT_SECONDS = 0.5
    let_go = threading.Event()

    def drip(_: Received, to: http.server.BaseHTTPRequestHandler) -> None:
        with suppress(OSError):  # until it is cut off
            while not let_go.wait(0.1):  # which nobody says before the sender came back
                to.wfile.write(b"H")

    hook.answer = drip
    tell()
    drain("general")
    let_go.set()
    assert "cut off after 0.5 s" in letter().error


def test_a_lost_network_is_waited_out(site: Settings) -> None:
    with web() as server:
        url = server.url()
    outlet = _register(url)
    tell()
    drain("general")
    outlet.refresh_from_db()
    assert "ConnectionRefusedError" in outlet.error
    assert letter().state == LetterState.WAITING


def test_a_certificate_of_somebody_else_is_refused_before_anything_is_said(
    site: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(tmp_path, "elsewhere.example.com")))
    with web(tmp_path / "elsewhere.example.com.pem") as server:
        _register(server.url("https", "localhost"))
        tell()
        drain("general")
        assert "CERTIFICATE_VERIFY_FAILED" in letter().error
        assert server.received == []


def test_a_right_certificate_is_accepted(site: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(tmp_path, "localhost")))
    with web(tmp_path / "localhost.pem") as server:
        _register(server.url("https", "localhost"))
        tell()
        drain("general")
        assert letter().error == ""
        assert len(server.received) == 1


def test_a_name_that_leads_to_a_forbidden_address_is_not_called(site: Settings) -> None:
    with web() as server:
        _register(server.url("https", "localhost"))
        site.WEBHOOK_NETWORKS = []  # from now on the loopback is not for webhooks
        tell()
        drain("general")
    assert "leads to an address that webhooks may not reach" in letter().error
    assert server.received == []


def test_after_eight_tries_a_letter_is_dead_and_a_person_brings_it_back_under_the_same_id(hook: Web) -> None:
    hook.answer = lambda _, to: say(to, 500)
    at = tell()
    for number in range(MAX_TRIES):
        drain("general")
        send(at + number * LATER)
    dead = letter()
    assert (dead.state, dead.tries) == (LetterState.DEAD, MAX_TRIES)
    assert len(hook.received) == MAX_TRIES

    hook.answer = lambda _, to: say(to, 204)
    later = at + MAX_TRIES * LATER
    outlets.try_again(dead.pk, person=person("petra", "policy admin"), door="page", at=later)
    send(later)
    assert letter().state == LetterState.SENT
    assert len({request.headers["Countersign-Id"] for request in hook.received}) == 1


def test_a_day_without_the_server_gives_up_what_waited_and_asks_it_once_a_pause(hook: Web) -> None:
    hook.answer = lambda _, to: say(to, 500)
    for number in range(30):
        Letter.objects.filter(state=LetterState.WAITING).update(size=100)  # full: the next message needs another one
        at = tell(text=f"Thing {number}.")
        drain("general")
    asked = len(hook.received)
    for number in range(1, MAX_TRIES + 1):
        send(at + number * LATER)
    assert set(Letter.objects.values_list("state", flat=True)) == {LetterState.DEAD}
    assert len(hook.received) <= asked + MAX_TRIES


def test_what_waits_for_an_outlet_that_is_switched_off_is_given_up(hook: Web) -> None:
    hook.answer = lambda _, to: say(to, 500)
    tell()
    drain("general")
    Outlet.objects.update(is_enabled=False)
    send(timezone.now() + LATER)
    assert (letter().state, letter().error) == (LetterState.DEAD, delivering.SWITCHED_OFF)
    tell()
    drain("general")
    assert Letter.objects.count() == 1


def test_the_sweep_asks_for_what_is_due_and_lets_the_tired_rest(hook: Web) -> None:
    hook.answer = lambda _, to: say(to, 500)
    tell()
    drain("general")
    at = timezone.now()
    assert delivering.sweep(at=at) == "0 outlets have letters to send."
    assert delivering.sweep(at=at + LATER) == "1 outlets have letters to send."
    assert [line.partition(":")[0] for line in drain("general", at=at + LATER)] == ["notices.send"]


def test_messages_spread_twice_are_in_one_letter(hook: Web, alice: Person) -> None:
    from portal.notices import spreading

    at = tell(alice)
    message = Message.objects.get()
    spreading.spread(message.pk, at=at)
    assert spreading.spread(message.pk, at=at) == "Spread before."
    assert Letter.objects.count() == 1


def test_letters_that_ended_are_forgotten_after_a_month_and_dead_ones_wait_for_people(hook: Web) -> None:
    tell()
    drain("general")
    sent = letter()
    dead = Letter.objects.create(
        outlet=sent.outlet,
        kind="run",
        state=LetterState.DEAD,
        due_at=sent.due_at,
        ended_at=sent.ended_at,
        created_at=sent.created_at,
    )
    assert delivering.forget_ended(at=timezone.now() + timedelta(days=29)) == 0
    assert delivering.forget_ended(at=timezone.now() + timedelta(days=31)) == 1
    assert list(Letter.objects.all()) == [dead]
    assert Message.objects.count() == 1


def test_a_worker_killed_between_sending_and_recording_sends_again_under_the_same_id(
    committed_db: str, settings: Settings
) -> None:
    settings.NOTICES_TIMEOUT_SECONDS = 30.0
    with web() as server:
        outlet = _register(server.url())
        at = tell()
        drain("general", at=at - timedelta(days=1))  # nothing is due yet, so the job that sends stays where it is
        from portal.notices import spreading

        spreading.spread(Message.objects.get().pk, at=at)
        connections.close_all()
        worker = multiprocessing.get_context("fork").Process(target=_send_alone, args=(outlet.pk, at))
        server.answer = lambda *_: os.kill(worker.pid or 0, signal.SIGKILL)  # it has the letter, nobody knows
        worker.start()
        worker.join()
        assert worker.exitcode == -signal.SIGKILL
        assert (letter().state, letter().tries) == (LetterState.WAITING, 1)

        server.answer = lambda _, to: say(to, 204)
        send(at)
        assert len(server.received) == 1  # not before its pause is over
        send(at + LATER)
        assert (letter().state, letter().tries) == (LetterState.SENT, 2)
        first, second = server.received
        assert first.headers["Countersign-Id"] == second.headers["Countersign-Id"]
        assert first.body == second.body


def _send_alone(outlet_id: int, at: datetime) -> None:
    delivering.send(outlet_id, at=at)
