"""Letting people in: one link, one use, and somebody else who says that it is them before they sign anything."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from portal.access import grants, invitations, sessions
from portal.access.models import Invitation, Person
from portal.access.testing import person
from portal.audit.models import Event
from portal.estate.models import Category
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.notices.models import Notice

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 4, tzinfo=UTC)
NEW = {"new_password1": "staple-and-more-7", "new_password2": "staple-and-more-7"}


@pytest.fixture
def storage() -> Category:
    return Category.objects.create(slug="storage", name="Storage")


@pytest.fixture
def petra() -> Person:
    return person("petra", "policy admin")


@pytest.fixture
def pablo() -> Person:
    return person("pablo", "policy admin")


@pytest.fixture
def browser(petra: Person) -> Client:
    client = Client()
    client.force_login(petra)
    return client


def invite(nina: Person, by: Person, at: datetime = AT) -> str:
    return invitations.issue(nina.pk, by=by, door="page", at=at)[1]


def rights(of: Person) -> grants.Grants:
    return grants.of(Person.objects.get(pk=of.pk))


def test_somebody_new_comes_in_by_a_link_and_signs_once_somebody_else_knows_them(
    browser: Client, pablo: Person, storage: Category
) -> None:
    nina = person("nina", "approver")
    made = browser.post(f"/people/{nina.pk}/link")
    assert "no-store" in made["Cache-Control"]
    link = re.search(r'data-text="http://testserver(/welcome/[^"]+)"', made.content.decode())
    assert link
    assert link[1] not in browser.get(f"/people/{nina.pk}/link").content.decode()
    newcomer = Client()
    assert newcomer.get(link[1]).status_code == 200
    assert newcomer.post(link[1], NEW)["Location"] == "/login"
    signed_in = newcomer.post("/login", {"username": "nina", "password": NEW["new_password1"]})
    assert signed_in["Location"] == "/"
    assert newcomer.get(link[1]).status_code == 409
    assert rights(nina).everywhere == {"see"}
    other = Client()
    other.force_login(pablo)
    assert "signs nothing until somebody else has confirmed" in other.get("/rights").content.decode()
    other.post(f"/people/links/{Invitation.objects.get().pk}/confirm")
    assert "sign_rollout" in rights(nina).everywhere
    kinds = Event.objects.filter(subject_name="nina").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["person.invited", "person.came_in", "person.signed_in", "person.confirmed"]


def test_whoever_made_the_link_cannot_become_a_second_person(petra: Person, pablo: Person, storage: Category) -> None:
    puppet = person("puppet", "approver", "policy admin")
    invitations.use(invite(puppet, petra), password="quiet stork 9", at=AT)
    invitation = Invitation.objects.get()
    for somebody in (petra, puppet, person("ana", "approver")):
        with pytest.raises(NotAllowed):
            invitations.confirm(invitation.pk, by=Person.objects.get(pk=somebody.pk), door="page", at=AT)
    assert not rights(puppet).may("sign_merge", storage.pk)
    assert not rights(puppet).holds(invitations.MANAGES)
    for wrong in (petra, puppet):
        with pytest.raises(IntegrityError, match="access_invitation_takes_two"), transaction.atomic():
            Invitation.objects.filter(pk=invitation.pk).update(confirmed_by=wrong, confirmed_at=AT)


def test_a_link_works_once_for_a_day_and_the_newest_only(petra: Person) -> None:
    nina = person("nina")
    first, second = invite(nina, petra), invite(nina, petra)
    ends = AT + invitations.LASTS
    assert invitations.find(first, at=AT) is None
    assert invitations.find(second, at=ends - timedelta(microseconds=1))
    assert invitations.find(second, at=ends) is None
    assert invitations.find("made up", at=AT) is None
    invitations.use(second, password="quiet stork 9", at=AT)
    for text in (first, second, "made up"):
        with pytest.raises(StaleTransition):
            invitations.use(text, password="another one 9", at=AT)
    assert Person.objects.get(pk=nina.pk).check_password("quiet stork 9")
    assert Invitation.objects.filter(digest__contains=second).count() == 0


def test_a_link_for_somebody_who_left_meanwhile_is_dead(petra: Person) -> None:
    nina = person("nina")
    text = invite(nina, petra)
    Person.objects.filter(pk=nina.pk).update(is_active=False)
    assert invitations.find(text, at=AT) is None
    with pytest.raises(StaleTransition):
        invitations.use(text, password="quiet stork 9", at=AT)


def test_a_forgotten_password_ends_all_sessions_and_the_owner_is_told(petra: Person) -> None:
    nina = person("nina", "approver")
    client = Client()
    client.force_login(nina)
    invitations.use(invite(nina, petra, timezone.now()), password="quiet stork 9", at=timezone.now())
    assert client.get("/account/tokens").status_code == 302
    told = Notice.objects.filter(person=nina).values_list("message__text", flat=True)
    assert "petra made a link" in told.get()


def test_those_who_may_confirm_are_asked(petra: Person, pablo: Person) -> None:
    nina = person("nina", "approver")
    invitations.use(invite(nina, petra), password="quiet stork 9", at=AT)
    asked = Notice.objects.filter(message__text__contains="Is it nina?").values_list("person__username", flat=True)
    assert list(asked) == ["pablo"]


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("petra", NotAllowed), ("root", NotAllowed), ("robot", Refused), ("gone", Refused)],
)
def test_nobody_is_let_in_who_should_not(petra: Person, who: str, refusal: type[Exception]) -> None:
    Person.objects.create_superuser("root")
    Person.objects.create_user("robot", kind=Person.Kind.MACHINE)
    Person.objects.create_user("gone", is_active=False)
    with pytest.raises(refusal):
        invite(Person.objects.get(username=who), petra)
    with pytest.raises(NotAllowed):
        invite(petra, person("ana", "approver"))


def test_pages_are_for_those_who_manage_people_and_want_a_fresh_password(browser: Client, petra: Person) -> None:
    nina = person("nina")
    stranger = Client()
    stranger.force_login(person("ana", "approver"))
    assert stranger.get(f"/people/{nina.pk}/link").status_code == 403
    assert stranger.post(f"/people/{nina.pk}/link").status_code == 403
    assert browser.post("/people/0/link").status_code == 404
    session = browser.session
    session[sessions.AUTHENTICATED_AT] = (timezone.now() - timedelta(minutes=6)).isoformat()
    session.save()
    assert browser.post(f"/people/{nina.pk}/link")["Location"].startswith("/sign-in/again?next=")
    assert not Invitation.objects.exists()


def test_a_weak_password_is_refused_and_the_link_lives_on(petra: Person) -> None:
    link = f"/welcome/{invite(person('nina'), petra, timezone.now())}"
    weak: dict[str, Any] = {"new_password1": "nina", "new_password2": "nina"}
    assert Client().post(link, weak).status_code == 422
    assert Client().post(link, NEW).status_code == 302


def test_the_operator_of_the_host_confirms_where_there_is_nobody_else(petra: Person) -> None:
    nina, out = person("nina", "approver"), io.StringIO()
    with pytest.raises(CommandError, match="does not wait"):
        call_command("confirm", "nina", stdout=out)
    invitations.use(invite(nina, petra), password="quiet stork 9", at=AT)
    call_command("confirm", "nina", stdout=out)
    assert "nina is confirmed." in out.getvalue()
    assert "sign_rollout" in rights(nina).everywhere
    with pytest.raises(CommandError, match="nobody called"):
        call_command("confirm", "nobody", stdout=out)
