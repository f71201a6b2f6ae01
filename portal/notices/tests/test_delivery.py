"""What leaves the site, as policy admins see and mend it; and which process may read what."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import psycopg
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.access.models import Person
from portal.access.testing import person
from portal.audit.models import Event
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.notices import outlets
from portal.notices import services as notices
from portal.notices.models import Enclosure, Letter, Message, Notice, Outlet, WebhookSecret
from portal.notices.states import LetterState
from portal.notices.tests.servers import say, web

AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]
RunningAs = Callable[[str], AbstractContextManager[None]]
URL = "https://hooks.example.com/countersign"


@pytest.fixture
def petra(db: None) -> Person:
    return person("petra", "policy admin")


@pytest.fixture
def desk(petra: Person) -> Client:
    return _as(petra)


def _as(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


def _webhook(petra: Person, url: str = URL) -> Outlet:
    outlet, _ = outlets.register(name="on-call", url=url, kinds=(), person=petra, door="page", at=timezone.now())
    return outlet


def _dead(outlet: Outlet, *texts: str, to: Person | None = None) -> Letter:
    at = timezone.now() - timedelta(hours=1)
    letter = Letter.objects.create(
        outlet=outlet,
        person=to,
        kind="run",
        size=len(texts),
        state=LetterState.DEAD,
        tries=8,
        due_at=at,
        tried_at=at,
        ended_at=at,
        created_at=at,
        error="It answered 500.",
    )
    for text in texts:
        message = Message.objects.create(key=f"{letter.pk}:{text}", kind="run", text=text, path="/", created_at=at)
        Enclosure.objects.create(letter=letter, message=message)
    return letter


def test_a_secret_is_shown_once_and_never_recorded(desk: Client) -> None:
    page = desk.post("/notices/delivery/webhooks", {"name": "on-call", "url": URL, "kinds": ["stop"]}).content.decode()
    secret, outlet = WebhookSecret.objects.get().secret, Outlet.objects.get(channel="webhook")
    assert secret in page
    assert (outlet.name, outlet.url, outlet.kinds) == ("on-call", URL, ["stop"])
    for address in ("/notices/delivery", f"/notices/delivery/webhooks/{outlet.pk}"):
        assert secret not in desk.get(address).content.decode()
    assert not Event.objects.filter(body__contains=secret).exists()
    assert Event.objects.get(kind="webhook.registered").subject_name == "on-call"


def test_a_new_secret_takes_the_place_of_the_old_one(desk: Client, petra: Person) -> None:
    outlet = _webhook(petra)
    page = desk.post(f"/notices/delivery/webhooks/{outlet.pk}/secret").content.decode()
    old, new = WebhookSecret.objects.order_by("id").values_list("secret", flat=True)
    assert new in page
    assert old not in page


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://hooks.example.com/", "Use https"), ("https://169.254.169.254/", "may reach"), ("", "required")],
)
def test_an_address_that_may_not_be_reached_is_refused_with_what_was_typed(desk: Client, url: str, words: str) -> None:
    answer = desk.post("/notices/delivery/webhooks", {"name": "on-call", "url": url})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "on-call" in answer.content.decode()
    assert not Outlet.objects.filter(channel="webhook").exists()


def test_a_webhook_is_changed_and_switched_off(desk: Client, petra: Person) -> None:
    outlet = _webhook(petra)
    address = f"/notices/delivery/webhooks/{outlet.pk}"
    assert "on-call" in desk.get(address).content.decode()
    assert desk.post(address, {"name": "night", "url": URL + "/2", "kinds": ["run"]}).status_code == 302
    outlet.refresh_from_db()
    assert (outlet.name, outlet.url, outlet.kinds, outlet.is_enabled) == ("night", URL + "/2", ["run"], False)
    assert desk.post(address, {"name": "", "url": "x"}).status_code == 422
    assert Event.objects.filter(kind="webhook.changed").count() == 1


def test_the_mail_server_is_no_webhook(desk: Client) -> None:
    mail = Outlet.objects.get(channel="mail")
    assert desk.get(f"/notices/delivery/webhooks/{mail.pk}").status_code == 404
    assert desk.post(f"/notices/delivery/webhooks/{mail.pk}/secret").status_code == 404
    assert "MAIL_URL is not set" in desk.get("/notices/delivery").content.decode()


def test_a_test_goes_through_the_outlet_it_is_for_and_no_other(desk: Client, petra: Person, settings: Settings) -> None:
    with web() as tried, web() as other:
        outlet = _webhook(petra, tried.url())
        _webhook(petra, other.url())
        assert desk.post(f"/notices/delivery/outlets/{outlet.pk}/test").status_code == 302
        drain("general")
        assert len(tried.received) == 1
        assert other.received == []
    assert notices.unread(petra.pk) == 0


def test_a_test_of_what_is_off_is_refused(desk: Client) -> None:
    answer = desk.post(f"/notices/delivery/outlets/{Outlet.objects.get().pk}/test")
    assert answer.status_code == 422
    assert "is switched off" in answer.content.decode()


def test_dead_letters_show_their_error_and_are_tried_again_one_by_one_or_all(desk: Client, petra: Person) -> None:
    outlet = _webhook(petra)
    first, second, third = (_dead(outlet, f"Thing {number}.") for number in range(3))
    page = desk.get("/notices/delivery").content.decode()
    assert page.count("It answered 500.") == 3
    assert "3 not delivered" in desk.get("/notices").content.decode()
    assert desk.post(f"/notices/delivery/letters/{first.pk}/retry").status_code == 302
    assert desk.post(f"/notices/delivery/letters/{first.pk}/retry").status_code == 409
    assert desk.post("/notices/delivery/retry").status_code == 302
    assert set(Letter.objects.values_list("state", "tries")) == {("waiting", 0)}
    assert Job.objects.filter(kind="notices.send", key=f"outlet:{outlet.pk}").count() == 1
    kinds = Event.objects.filter(kind__contains="retried").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["letter.retried", "outlet.letters_retried"]
    assert {second.uid, third.uid} < set(Letter.objects.values_list("uid", flat=True))


def test_a_dead_letter_is_put_away_with_a_reason(desk: Client, petra: Person) -> None:
    letter = _dead(_webhook(petra), "Old news.")
    address = f"/notices/delivery/letters/{letter.pk}/discard"
    assert desk.post(address, {"reason": " "}).status_code == 422
    assert desk.post(address, {"reason": "Nobody needs it."}).status_code == 302
    assert desk.post(address, {"reason": "Again."}).status_code == 409
    letter.refresh_from_db()
    assert (letter.state, letter.note) == (LetterState.DISCARDED, "petra: Nobody needs it.")
    assert "Everything got through" in desk.get("/notices/delivery").content.decode()


def test_a_digest_that_died_says_the_first_of_what_it_holds(desk: Client, petra: Person) -> None:
    _dead(_webhook(petra), *(f"Thing {number}." for number in range(10)))
    page = desk.get("/notices/delivery").content.decode()
    assert "Thing 2." in page
    assert "Thing 3." not in page
    assert "and 7 more" in page


def test_the_pages_of_dead_letters_join_and_cost_the_same_however_many_there_are(
    desk: Client, petra: Person, django_assert_max_num_queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    outlet = _webhook(petra)
    for number in range(60):
        _dead(outlet, f"Thing {number}.")
    with django_assert_max_num_queries(50):
        page = desk.get("/notices/delivery")
    assert len(page.context["letters"]) == 25
    older = desk.get(f"/notices/delivery{page.context['older']}")
    assert not {each.letter for each in page.context["letters"]} & {each.letter for each in older.context["letters"]}


def test_one_s_own_mail_shows_in_the_inbox(desk: Client, petra: Person) -> None:
    at = timezone.now()
    notices.tell([petra], kind="run", ticket_key="INC-1", text="A run ended.", path="/", at=at, key="1")
    letter = _dead(Outlet.objects.get(), to=petra)
    Enclosure.objects.create(letter=letter, message=Message.objects.get())
    assert "Not delivered" in desk.get("/notices").content.decode()


@pytest.mark.parametrize("role", ["engineer", "reviewer", "approver", "operator", "auditor"])
def test_only_policy_admins_look_after_what_leaves(db: None, petra: Person, role: str) -> None:
    letter = _dead(_webhook(petra), "Thing.")
    outlet = letter.outlet
    other = _as(person(role, role))
    assert other.get("/notices/delivery").status_code == 403
    assert other.get("/notices/delivery/webhooks").status_code == 403
    for address in (
        "/notices/delivery/webhooks",
        f"/notices/delivery/webhooks/{outlet.pk}",
        f"/notices/delivery/webhooks/{outlet.pk}/secret",
        f"/notices/delivery/outlets/{outlet.pk}/test",
        f"/notices/delivery/letters/{letter.pk}/retry",
        f"/notices/delivery/letters/{letter.pk}/discard",
        "/notices/delivery/retry",
    ):
        assert other.post(address, {"name": "x", "url": URL, "reason": "x"}).status_code == 403
    assert Letter.objects.get().state == LetterState.DEAD
    assert WebhookSecret.objects.count() == 1
    assert "not delivered" not in other.get("/notices").content.decode()


def test_looking_at_a_verb_does_nothing(desk: Client, petra: Person) -> None:
    letter = _dead(_webhook(petra), "Thing.")
    for address in (
        "/notices/delivery/retry",
        f"/notices/delivery/letters/{letter.pk}/retry",
        f"/notices/delivery/letters/{letter.pk}/discard",
        f"/notices/delivery/outlets/{letter.outlet_id}/test",
        f"/notices/delivery/webhooks/{letter.outlet_id}/secret",
        "/notices/read",
        "/notices/1/read",
    ):
        assert desk.get(address).status_code == 405
    assert Letter.objects.get().state == LetterState.DEAD


def test_the_services_refuse_as_the_pages_do(db: None, petra: Person) -> None:
    erin, at = person("erin", "engineer"), timezone.now()
    letter = _dead(_webhook(petra), "Thing.")
    with pytest.raises(NotAllowed):
        outlets.try_all_again(person=erin, door="page", at=at)
    with pytest.raises(NotAllowed):
        outlets.new_secret(letter.outlet_id, person=erin, door="page", at=at)
    with pytest.raises(Refused, match="Give it a name"):
        outlets.register(name=" ", url=URL, kinds=["gossip"], person=petra, door="page", at=at)
    outlets.discard(letter.pk, reason="x", person=petra, door="page", at=at)
    with pytest.raises(StaleTransition):
        outlets.try_again(letter.pk, person=petra, door="page", at=at)


@pytest.mark.parametrize("process", ["web", "drafting", "probe", "execution"])
def test_only_the_general_cluster_reads_the_secrets_of_webhooks(
    committed_db: str, as_role: AsRole, process: str
) -> None:
    _webhook(person("petra", "policy admin"))
    with as_role(process) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute("SELECT secret FROM notices_webhooksecret")
    with as_role("general") as general:
        assert general.execute("SELECT count(secret) FROM notices_webhooksecret").fetchone() == (1,)


@pytest.mark.parametrize(
    ("process", "statement"),
    [
        ("web", "INSERT INTO notices_letter DEFAULT VALUES"),
        ("web", "UPDATE notices_letter SET kind = 'x'"),
        ("web", "UPDATE notices_message SET text = 'x'"),
        ("web", "UPDATE notices_webhooksecret SET secret = 'x'"),
        ("web", "DELETE FROM notices_notice"),
        ("execution", "SELECT url FROM notices_outlet"),
        ("execution", "INSERT INTO notices_letter DEFAULT VALUES"),
        ("execution", "UPDATE notices_notice SET read_at = now()"),
        ("drafting", "SELECT text FROM notices_message"),
        ("drafting", "INSERT INTO notices_message DEFAULT VALUES"),
        ("probe", "INSERT INTO notices_outlet DEFAULT VALUES"),
        ("general", "UPDATE notices_outlet SET url = 'https://evil.example.com'"),
        ("general", "INSERT INTO notices_webhooksecret DEFAULT VALUES"),
        ("general", "UPDATE notices_message SET text = 'x'"),
    ],
)
def test_a_process_changes_nothing_of_notices_that_is_not_its_work(
    committed_db: str, as_role: AsRole, process: str, statement: str
) -> None:
    with as_role(process) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(statement)


def test_the_database_keeps_the_states_of_a_letter(db: None, petra: Person) -> None:
    from django.db import IntegrityError, transaction

    letter = _dead(_webhook(petra), "Thing.")
    with pytest.raises(IntegrityError, match="cannot go from dead to sent"), transaction.atomic():
        Letter.objects.filter(pk=letter.pk).update(state=LetterState.SENT)


def test_from_a_run_to_a_webhook_under_the_rights_of_each_process(committed_db: str, running_as: RunningAs) -> None:
    alice = Person.objects.create_user("alice", email="alice@example.com")
    petra = person("petra", "policy admin")
    with web() as server:
        with running_as("web"):
            outlet = _webhook(petra, server.url())
        server.answer = lambda _, to: say(to, 404)
        with running_as("execution"):
            at = timezone.now()
            notices.tell([alice], kind="run", ticket_key="INC-1", text="A run ended.", path="/", at=at, key="1")
        with running_as("general"):
            drain("general")
        assert len(server.received) == 1
        Letter.objects.filter(state=LetterState.WAITING).update(state=LetterState.DEAD, ended_at=timezone.now())
        with running_as("web"):
            notices.mark_read(alice, until=Notice.objects.get().pk, at=timezone.now())
            assert outlets.try_all_again(person=petra, door="page", at=timezone.now()) == 1
            outlets.try_out(outlet.pk, person=petra, door="page", at=timezone.now())
        server.answer = lambda _, to: say(to, 204)
        with running_as("general"):
            drain("general")
            drain("general")
        assert set(Letter.objects.values_list("state", flat=True)) == {LetterState.SENT}
        assert len(server.received) == 3
