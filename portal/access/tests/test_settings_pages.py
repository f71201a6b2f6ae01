"""The settings pages: what policy admins may change there, what nobody may, and the trail it leaves."""

from __future__ import annotations

import html
import io
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from guardian.admin import GuardedModelAdminMixin

from portal.access import grants, tokens
from portal.access.models import Person, Token
from portal.access.testing import person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate import seed as estate
from portal.estate.models import Category, Service, Signal
from remediation.connectors.models import Connector

pytestmark = pytest.mark.django_db


@pytest.fixture
def petra() -> Person:
    estate.load_categories()
    petra = person("petra", "policy admin")
    Person.objects.filter(pk=petra.pk).update(is_staff=True)
    return Person.objects.get(pk=petra.pk)


@pytest.fixture
def settings_pages(petra: Person) -> Client:
    client = Client()
    client.force_login(petra)
    return client


def as_typed(client: Client, path: str) -> dict[str, Any]:
    """A change form as the browser would send it back untouched."""
    form = client.get(path).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value not in (None, False)}


def newest(kind: str) -> tuple[dict[str, Any], Event]:
    event = Event.objects.filter(kind=kind).latest("id")
    return audit.body_of(event), event


@pytest.mark.parametrize(
    "path",
    [
        "",
        "access/person/",
        "access/person/add/",
        "access/token/",
        "auth/group/",
        "estate/category/",
        "estate/category/add/",
        "estate/service/",
        "estate/service/add/",
        "estate/target/",
        "estate/target/add/",
        "connectors/connector/",
        "drafting/remediation/",
        "jobs/job/",
    ],
)
def test_every_page_opens(settings_pages: Client, path: str) -> None:
    assert settings_pages.get(f"/admin/{path}").status_code == 200


def test_a_person_is_added_changed_and_deactivated_and_never_deleted(settings_pages: Client, petra: Person) -> None:
    new = {"username": "nina", "kind": "human"}
    assert settings_pages.post("/admin/access/person/add/", new).status_code == 302
    nina = Person.objects.get(username="nina")
    assert not nina.has_usable_password()
    body, event = newest("person.added")
    assert (event.actor_name, event.door, event.subject_name) == ("petra", "admin", "nina")
    assert "password" not in body["after"]
    twice = settings_pages.post("/admin/access/person/add/", new | {"username": "NINA"})
    assert "Somebody has this name already." in twice.content.decode()
    path = f"/admin/access/person/{nina.pk}/change/"
    reviewer = nina.groups.model.objects.get(name="reviewer")
    typed = as_typed(settings_pages, path) | {"groups": [reviewer.pk], "full_name": "Nina"}
    typed.pop("is_active")
    assert settings_pages.post(path, typed).status_code == 302
    body, _ = newest("person.changed")
    assert body["before"] == {"groups": [], "full_name": "", "is_active": True}
    assert body["after"] == {"groups": ["reviewer"], "full_name": "Nina", "is_active": False}
    assert settings_pages.post(f"/admin/access/person/{nina.pk}/delete/", {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": nina.pk, "post": "yes"}
    settings_pages.post("/admin/access/person/", bulk)
    assert Person.objects.filter(pk=nina.pk).exists()


def test_nobody_gives_themselves_rights(settings_pages: Client, petra: Person) -> None:
    path = f"/admin/access/person/{petra.pk}/change/"
    approver = petra.groups.model.objects.get(name="approver")
    typed = as_typed(settings_pages, path) | {"groups": [approver.pk], "is_superuser": "on"}
    settings_pages.post(path, typed)
    petra.refresh_from_db()
    assert [group.name for group in petra.groups.all()] == ["policy admin"]
    assert not petra.is_superuser
    nina = person("nina")
    other = f"/admin/access/person/{nina.pk}/change/"
    settings_pages.post(other, as_typed(settings_pages, other) | {"is_superuser": "on"})
    nina.refresh_from_db()
    assert not nina.is_superuser


def test_a_superuser_is_out_of_a_policy_admin_s_reach(settings_pages: Client) -> None:
    root = Person.objects.create_superuser("root", "correct horse")
    path = f"/admin/access/person/{root.pk}"
    assert settings_pages.post(f"{path}/change/", {"username": "toor"}).status_code == 403
    assert settings_pages.post(f"/people/{root.pk}/link").status_code == 403
    root.refresh_from_db()
    assert root.check_password("correct horse")


def test_nobody_sets_or_sees_somebody_else_s_password(settings_pages: Client) -> None:
    nina = person("nina")
    nina.set_password("correct horse")
    nina.save()
    path = f"/admin/access/person/{nina.pk}"
    assert "md5$" not in settings_pages.get(f"{path}/change/").content.decode()
    body = {"password1": "quiet stork 9", "password2": "quiet stork 9", "password": "x", "usable_password": "true"}
    assert settings_pages.post(f"{path}/password/", body)["Location"] == f"/people/{nina.pk}/link"
    settings_pages.post(f"{path}/change/", as_typed(settings_pages, f"{path}/change/") | body)
    nina.refresh_from_db()
    assert nina.check_password("correct horse")


def test_tokens_are_revoked_and_their_fingerprints_never_shown(settings_pages: Client, petra: Person) -> None:
    token, text = tokens.issue(
        person=petra, name="ci", scopes=["stats:read"], actor=petra.at("page"), at=timezone.now()
    )
    for path in ("", f"{token.pk}/change/"):
        page = settings_pages.get(f"/admin/access/token/{path}").content.decode()
        assert token.digest not in page
        assert text not in page
    settings_pages.post("/admin/access/token/", {"action": "revoke", "_selected_action": token.pk})
    assert Token.objects.get().revoked_at
    assert newest("token.revoked")[1].door == "admin"
    again = settings_pages.post("/admin/access/token/", {"action": "revoke", "_selected_action": token.pk}, follow=True)
    assert "has been revoked before" in again.content.decode()


NO_SIGNALS = {"signals-TOTAL_FORMS": "0", "signals-INITIAL_FORMS": "0"}


PROBE = {"kind": "probe", "query": "", "connector": "lab", "tool": "get", "field": "ready"}


def signal(**changes: str) -> dict[str, str]:
    """One new signal as the form sends it, with fields replaced."""
    fields = {"name": "Errors", "about": "error_rate", "kind": "prometheus", "query": "sum(rate(errors[5m]))"}
    fields |= {"arguments": "{}", "relation": "at_most", "threshold": "1", **changes}
    counts = {"signals-TOTAL_FORMS": "1", "signals-INITIAL_FORMS": "0"}
    return counts | {f"signals-0-{name}": value for name, value in fields.items()}


def test_a_service_keeps_its_lists(settings_pages: Client) -> None:
    body = {
        "slug": "mail",
        "name": "Mail",
        "sensitivity": ["payments", "customer_data"],
        **NO_SIGNALS,
    }
    assert settings_pages.post("/admin/estate/service/add/", body).status_code == 302
    service = Service.objects.get(slug="mail")
    assert service.sensitivity == ["payments", "customer_data"]
    path = f"/admin/estate/service/{service.pk}/change/"
    typed = as_typed(settings_pages, path)
    assert settings_pages.post(path, typed | NO_SIGNALS).status_code == 302
    assert not Event.objects.filter(kind="service.changed").exists()


def test_a_service_has_signals_and_the_trail_says_which(settings_pages: Client, petra: Person) -> None:
    path = _a_service_s_page()
    typed = as_typed(settings_pages, path)
    assert settings_pages.post(path, typed | signal(threshold="0.5")).status_code == 302
    (row,) = Signal.objects.all()
    assert (row.name, row.query, str(row.threshold)) == ("Errors", "sum(rate(errors[5m]))", "0.500000")
    body, event = newest("service.signals_changed")
    assert (body["before"], event.actor_name) == ({"signals": []}, petra.username)
    assert body["after"]["signals"][0]["query"] == "sum(rate(errors[5m]))"
    gone = signal(threshold="0.5", id=str(row.pk), DELETE="on") | {"signals-INITIAL_FORMS": "1"}
    assert settings_pages.post(path, typed | gone).status_code == 302
    assert not Signal.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"query": ""}, "Write the query"),
        ({"query": "sum(rate(errors[5m])"}, "A ( is not closed."),
        ({"query": 'errors{code="500}'}, "A text that begins with"),
        ({"tool": "get_pod"}, "Leave it empty: this signal is a query."),
        ({"kind": "probe", "query": ""}, "A verify probe needs its connector."),
        ({"kind": "probe"}, "Leave it empty: this signal is a verify probe."),
        ({**PROBE, "connector": "nobody"}, "There is no connector nobody."),
        ({**PROBE, "tool": "delete_pod"}, "delete_pod is no tool that is pinned on The lab."),
        ({**PROBE, "arguments": '{"pods": [1]}'}, "Write names with texts, whole numbers or true and false"),
        ({"arguments": "[1]"}, "Leave it empty: this signal is a query."),
        ({"threshold": "much"}, "Enter a number."),
    ],
)
def test_a_signal_that_could_never_be_asked_is_refused_with_the_reason(
    settings_pages: Client, wrong: dict[str, str], says: str
) -> None:
    Connector.objects.create(
        slug="lab",
        name="The lab",
        read_url="http://127.0.0.1/",
        read_token_env="LAB_READ_TOKEN",
        pinned_tools={"get": ""},
    )
    path = _a_service_s_page()
    answer = settings_pages.post(path, as_typed(settings_pages, path) | signal(**wrong))
    assert says in html.unescape(answer.content.decode())
    assert not Signal.objects.exists()


def _a_service_s_page() -> str:
    service = Service.objects.create(slug="mail", name="Mail")
    return f"/admin/estate/service/{service.pk}/change/"


@pytest.mark.parametrize("path", ["audit/event/", "signoff/stop/", "signoff/freeze/"])
def test_what_has_a_page_of_its_own_leads_there(settings_pages: Client, path: str) -> None:
    answer = settings_pages.get(f"/admin/{path}")
    assert (answer.status_code, answer["Location"] in ("/audit", "/stop", "/freezes")) == (302, True)


def test_guardian_s_own_form_is_reachable_nowhere() -> None:
    assert hasattr(GuardedModelAdminMixin, "obj_perms_manage_view")
    assert not [page for page in admin.site._registry.values() if hasattr(page, "obj_perms_manage_view")]


def test_grants_are_given_and_taken_back_by_command_and_shown(settings_pages: Client) -> None:
    nina, network = person("nina"), Category.objects.get(slug="network")
    out = io.StringIO()
    call_command("grant", "nina", "review", "network", stdout=out)
    call_command("grant", "approver", "run", "network", stdout=out)
    assert grants.of(Person.objects.get(pk=nina.pk)).may("review", network.pk)
    body, event = newest("grant.given")
    assert (body, event.subject_name, event.door) == ({"verb": "run", "category": "network"}, "approver", "command")
    page = settings_pages.get(f"/admin/estate/category/{network.pk}/change/").content.decode()
    assert "nina: Review and edit drafts" in page
    assert "approver: Run and roll back" in page
    call_command("grant", "nina", "review", "network", "--take-back", stdout=out)
    assert not grants.of(Person.objects.get(pk=nina.pk)).may("review", network.pk)
    assert newest("grant.taken_back")[1].subject_name == "nina"
    for wrong in (("nobody", "review", "network"), ("nina", "review", "unheard-of")):
        with pytest.raises(CommandError):
            call_command("grant", *wrong)


def test_those_who_are_no_staff_get_nowhere() -> None:
    client = Client()
    client.force_login(person("erin", "engineer"))
    for path in ("", "access/person/", "estate/category/add/"):
        assert client.get(f"/admin/{path}").status_code == 302
