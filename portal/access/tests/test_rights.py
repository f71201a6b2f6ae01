"""The matrix of rights: where rights come from, who changes whose, by page and by API, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from portal.access import grants, rights, sessions
from portal.access.models import Person, Scope
from portal.access.rights import Change
from portal.access.testing import caller, person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate.models import VERBS, Category
from portal.kit.refusals import NotAllowed, Refusal, Refused
from portal.kit.testing.queries import statements
from portal.notices.models import Notice

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 4, tzinfo=UTC)
URL = "/api/v1/grants"


@pytest.fixture
def storage() -> Category:
    return Category.objects.create(slug="storage", name="Storage")


@pytest.fixture
def network() -> Category:
    return Category.objects.create(slug="network", name="Network")


@pytest.fixture
def petra() -> Person:
    return person("petra", "policy admin")


def give(to: Person | Group, verb: str, where: Category | None) -> None:
    grants.give(to=to, verb=verb, category=where, actor=person("root").at("command"), at=AT)


def make(by: Person, where: Category | None, *wanted: tuple[Person | Group, str, bool]) -> int:
    changes = [Change(rights.key_of(to), verb, is_given) for to, verb, is_given in wanted]
    return rights.change(changes, where=where, person=Person.objects.get(pk=by.pk), door="page", at=AT)


def sources(holder: Person | Group, verb: str, where: Category | None, seen_by: Person) -> tuple[bool, tuple[str, ...]]:
    (row,) = rights.rows_of([holder], where, seen_by=Person.objects.get(pk=seen_by.pk))
    (cell,) = (cell for cell in row.cells if cell.verb == verb)
    return cell.is_given, cell.through


def test_a_right_says_where_it_comes_from(petra: Person, storage: Category, network: Category) -> None:
    alice, team = person("alice", "reviewer"), Group.objects.create(name="storage team")
    alice.groups.add(team)
    give(alice, "run", storage)
    give(alice, "see", None)
    give(team, "review", storage)
    assert sources(alice, "run", storage, petra) == (True, ())
    assert sources(alice, "run", network, petra) == (False, ())
    assert sources(alice, "see", storage, petra) == (False, ("in all categories", "role reviewer"))
    assert sources(alice, "see", None, petra) == (True, ("role reviewer",))
    assert sources(alice, "review", storage, petra) == (False, ("role reviewer", "group storage team, here"))
    assert sources(alice, "review", network, petra) == (False, ("role reviewer",))
    assert sources(team, "review", storage, petra) == (True, ())
    assert sources(team, "review", network, petra) == (False, ())


def test_what_the_matrix_says_is_what_grants_answer(petra: Person, storage: Category, network: Category) -> None:
    alice, team = person("alice", "operator"), Group.objects.create(name="team")
    alice.groups.add(team)
    give(alice, "sign_merge", storage)
    give(team, "review", network)
    give(team, "configure", None)
    granted = grants.of(Person.objects.get(pk=alice.pk))
    for where in (storage, network):
        for verb in VERBS:
            is_given, through = sources(alice, verb, where, petra)
            assert (is_given or bool(through)) == granted.may(verb, where.pk), (verb, where)


def test_rights_are_given_and_taken_back_with_an_event_each(petra: Person, storage: Category) -> None:
    alice, team = person("alice"), Group.objects.create(name="team")
    assert make(petra, storage, (alice, "review", True), (team, "run", True)) == 2
    assert make(petra, storage, (alice, "review", True), (team, "run", False), (team, "see", False)) == 1
    assert make(petra, None, (alice, "see", True)) == 1
    assert make(petra, None, (alice, "see", False)) == 1
    events = list(Event.objects.filter(kind__startswith="grant.").order_by("id"))
    told = [(event.kind, event.subject_name, audit.body_of(event)["category"]) for event in events]
    assert sorted(told[:2]) == [("grant.given", "alice", "storage"), ("grant.given", "team", "storage")]
    assert told[2:] == [
        ("grant.taken_back", "team", "storage"),
        ("grant.given", "alice", None),
        ("grant.taken_back", "alice", None),
    ]


def test_people_hear_of_changes_of_their_rights(petra: Person, storage: Category) -> None:
    alice, team = person("alice"), Group.objects.create(name="team")
    make(petra, storage, (alice, "review", True), (alice, "run", True), (team, "run", True))
    make(petra, storage, (alice, "review", True))
    told = Notice.objects.values_list("person__username", "message__text")
    text = "petra changed your rights in Storage: given: Review and edit drafts, given: Run and roll back."
    assert list(told) == [("alice", text)]


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Refusal as refusal:
        return f"{refusal.status} {', '.join(sorted({reason.code for reason in refusal.reasons}))}"
    return "done"


@pytest.mark.parametrize(
    ("to", "what", "expected"),
    [
        ("petra", "sign_merge in storage", "403 own_rights"),
        ("petra", "see in storage", "403 own_rights"),
        ("petra", "sign_merge everywhere", "403 own_rights"),
        ("her group", "sign_critical in storage", "403 own_rights"),
        ("her group", "sign_critical everywhere", "403 own_rights"),
        ("policy admin", "sign_critical in storage", "403 own_rights"),
        ("alice", "sign_critical in storage", "done"),
        ("alice", "sign_critical everywhere", "done"),
        ("approver", "run in storage", "done"),
        ("approver", "run everywhere", "422 role"),
        ("other group", "run everywhere", "done"),
        ("robot", "see in storage", "done"),
        ("robot", "sign_merge in storage", "422 machine"),
        ("root", "see in storage", "422 superuser"),
        ("gone", "see in storage", "422 unknown"),
    ],
)
def test_who_changes_whose_rights(petra: Person, storage: Category, to: str, what: str, expected: str) -> None:
    group = Group.objects.create(name="her group")
    petra.groups.add(group)
    Group.objects.create(name="other group")
    Person.objects.create_superuser("root")
    Person.objects.create_user("robot", kind=Person.Kind.MACHINE)
    Person.objects.create_user("gone", is_active=False)
    person("alice")
    holder = Person.objects.filter(username=to).first() or Group.objects.get(name=to)
    verb, _, place = what.partition(" ")
    where = None if place == "everywhere" else storage
    assert outcome(lambda: make(petra, where, (holder, verb, True))) == expected
    assert outcome(lambda: make(petra, where, (holder, verb, False))) == expected


def test_whoever_configures_one_category_gives_rights_there_only(storage: Category, network: Category) -> None:
    nora, alice = person("nora", "engineer"), person("alice")
    give(nora, "configure", storage)
    assert make(nora, storage, (alice, "review", True)) == 1
    for where in (network, None):
        with pytest.raises(NotAllowed, match="“Configure the policy”"):
            make(nora, where, (alice, "review", True))
    assert [each.slug for each in rights.places(Person.objects.get(pk=nora.pk))] == ["storage"]


def test_all_changes_are_made_or_none(petra: Person, storage: Category) -> None:
    alice = person("alice")
    with pytest.raises(NotAllowed):
        make(petra, storage, (alice, "review", True), (petra, "review", True))
    assert not grants.of(Person.objects.get(pk=alice.pk)).may("review", storage.pk)


def test_the_matrix_takes_as_many_queries_for_many_as_for_few(petra: Person, storage: Category) -> None:
    browser = Client()
    browser.force_login(petra)

    def queries() -> int:
        with statements() as captured:
            assert browser.get("/rights?category=storage").status_code == 200
        return len(captured)

    queries()
    few = queries()
    for number in range(12):
        team = Group.objects.create(name=f"team {number}")
        person(f"person {number}", "reviewer", sees=[storage]).groups.add(team)
        give(team, "review", storage)
    assert queries() == few


# --- the page


@pytest.fixture
def browser(petra: Person, storage: Category) -> Client:
    client = Client()
    client.force_login(petra)
    return client


def ticked(alice: Person, *verbs: str, was: str = "") -> dict[str, Any]:
    return {"category": "storage", "was": was, "own": [f"person:{alice.pk}:{verb}" for verb in verbs]}


def test_the_page_shows_what_changes_and_then_changes_it(browser: Client, storage: Category) -> None:
    alice = person("alice", "reviewer")
    give(alice, "review", storage)
    page = browser.get("/rights?category=storage").content.decode()
    assert f'value="person:{alice.pk}:review" checked' in page
    was = f"person:{alice.pk}:review"
    shown = browser.post("/rights", ticked(alice, "sign_merge", was=was)).content.decode()
    assert "Sign the merge stage" in shown
    assert "counts towards running changes" in shown
    assert "The right stays, by role reviewer." in shown
    assert not Event.objects.filter(kind="grant.taken_back").exists()
    sent = {"category": "storage", "changes": f"+person:{alice.pk}:sign_merge -person:{alice.pk}:review"}
    done = browser.post("/rights/change", sent, follow=True)
    assert "2 rights changed." in done.content.decode()
    assert done.redirect_chain == [("/rights?category=storage", 302)]
    granted = grants.of(Person.objects.get(pk=alice.pk))
    assert granted.by_verb["sign_merge"] == {storage.pk}
    assert "review" not in granted.by_verb


def test_nothing_ticked_differently_changes_nothing(browser: Client) -> None:
    alice = person("alice")
    answer = browser.post("/rights", ticked(alice, "see", was=f"person:{alice.pk}:see"), follow=True)
    assert "nothing changed" in answer.content.decode()


def test_rights_are_changed_right_after_the_password_only_and_the_changes_wait(
    browser: Client, petra: Person, storage: Category
) -> None:
    petra.set_password("correct horse")
    petra.save()
    browser.force_login(petra)
    session = browser.session
    session[sessions.AUTHENTICATED_AT] = (timezone.now() - timedelta(minutes=6)).isoformat()
    session.save()
    alice = person("alice")
    sent = {"category": "storage", "changes": f"+person:{alice.pk}:run"}
    asked = browser.post("/rights/change", sent)
    assert asked["Location"] == "/sign-in/again?next=%2Frights%2Fchange"
    assert not grants.of(Person.objects.get(pk=alice.pk)).by_verb
    back = browser.post("/sign-in/again", {"password": "correct horse", "next": "/rights/change"}, follow=True)
    assert sent["changes"] in back.content.decode()
    browser.post("/rights/change", sent)
    assert grants.of(Person.objects.get(pk=alice.pk)).may("run", storage.pk)


@pytest.mark.parametrize("changes", ["", "+person:7:fly", "person:7:see", "+person:x:see", "+group:7:see;drop"])
def test_a_form_that_was_tampered_with_changes_nothing(browser: Client, changes: str) -> None:
    assert browser.post("/rights/change", {"category": "storage", "changes": changes}).status_code == 422


@pytest.mark.parametrize("changes", ["", "+person:7:fly", "+person:7:see"])
@pytest.mark.parametrize("role", ["auditor", "engineer"])
def test_the_right_to_give_rights_is_looked_at_before_the_form_and_the_password(
    storage: Category, role: str, changes: str
) -> None:
    browser = Client()
    browser.force_login(person("other", role))
    assert browser.post("/rights/change", {"category": "storage", "changes": changes}).status_code == 403


def test_own_rights_cannot_be_ticked_nor_forged(browser: Client, petra: Person) -> None:
    page = browser.get("/rights?category=storage").content.decode()
    assert f'value="person:{petra.pk}:sign_merge" disabled' in page
    forged = {"category": "storage", "changes": f"+person:{petra.pk}:sign_merge"}
    assert browser.post("/rights/change", forged).status_code == 403


def test_dangers_are_shown(browser: Client, settings: Any) -> None:
    Person.objects.create_superuser("root")
    settings.SMALL_TEAM = True
    page = browser.get("/rights").content.decode()
    assert "May everything, everywhere:</strong> root" in page
    assert "Small team." in page


def test_people_come_page_by_page_and_groups_on_the_first_only(browser: Client) -> None:
    for number in range(30):
        person(f"z{number:02}")
    Group.objects.create(name="night shift")
    first = browser.get("/rights?category=storage")
    assert "night shift" in first.content.decode()
    assert "z29" not in first.content.decode()
    second = browser.get(f"/rights{first.context['older']}").content.decode()
    assert "z29" in second
    assert "night shift" not in second
    assert "z29" in browser.get("/rights?text=Z29").content.decode()


def test_auditors_look_and_others_do_not(storage: Category) -> None:
    for role, status in (("auditor", 200), ("policy admin", 200), ("approver", 403), ("engineer", 403)):
        client = Client()
        client.force_login(person(f"some {role}", role))
        answer = client.get("/rights?category=storage")
        assert answer.status_code == status, role
        if role == "auditor":
            assert "You look only" in answer.content.decode()
    assert Client().get("/rights")["Location"] == "/login?next=/rights"


# --- the API


def test_rights_by_api_are_read_given_and_taken_back(petra: Person, storage: Category) -> None:
    alice, team, api = person("alice", "reviewer"), Group.objects.create(name="night shift"), caller(petra)
    for kind, name in (("person", "alice"), ("group", "night shift")):
        wanted = {"kind": kind, "holder": name, "verb": "run", "category": "storage"}
        for _ in range(2):
            answer = api.put(URL, wanted, format="json")
            assert answer.status_code == 200
        assert {"verb": "run", "given": True, "through": []} in answer.json()["rights"]
    assert Event.objects.filter(kind="grant.given", door="api").count() == 2
    people = api.get(f"{URL}?category=storage&text=ali").json()["items"]
    assert [row["holder"] for row in people] == ["alice"]
    assert {"verb": "review", "given": False, "through": ["role reviewer"]} in people[0]["rights"]
    assert [row["holder"] for row in api.get(f"{URL}?kind=group&text=night").json()["items"]] == ["night shift"]
    query = "kind=group&holder=night%20shift&verb=run&category=storage"
    assert api.delete(f"{URL}?{query}").status_code == 204
    assert not grants.of(person("nina")).may("run", storage.pk)
    assert grants.of(Person.objects.get(pk=alice.pk)).may("run", storage.pk)
    assert team.name == "night shift"


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"holder": "petra"}, 403, ""),
        ({"holder": "nobody"}, 422, "holder"),
        ({"category": "unheard-of"}, 422, "category"),
        ({"verb": "fly"}, 400, "verb"),
        ({"kind": "robot"}, 400, "kind"),
        ({"kind": "group", "holder": "approver", "category": "*"}, 422, "holder"),
        ({"categroy": "storage"}, 400, "categroy"),
    ],
)
def test_what_cannot_be_given_is_refused_by_name(
    petra: Person, storage: Category, changes: dict[str, str], status: int, field: str
) -> None:
    person("alice")
    body = {"kind": "person", "holder": "alice", "verb": "run", "category": "storage", **changes}
    answer = caller(petra).put(URL, body, format="json")
    assert answer.status_code == status
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_rights_want_their_own_scope_and_the_right_to_configure(petra: Person, storage: Category) -> None:
    body = {"kind": "person", "holder": "petra", "verb": "run", "category": "storage"}
    reading = caller(petra, Scope.RIGHTS_READ)
    assert reading.get(URL).status_code == 200
    assert reading.put(URL, body, format="json").status_code == 403
    approver = caller(person("ana", "approver"))
    assert approver.get(URL).status_code == 403
    assert approver.put(URL, body, format="json").status_code == 403
    with pytest.raises(Refused):
        rights.place(petra, "unheard-of")
