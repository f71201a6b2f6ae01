"""The emergency stop through the browser's door: one stops, another releases, everybody is told."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from portal.access.testing import caller, person
from portal.audit.models import Event
from portal.estate import seed as estate
from portal.kit.testing.queries import statements
from portal.signoff.models import Stop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world() -> None:
    estate.load_categories()
    estate.load_lab([estate.LabTarget("kubernetes:lab/x", "x", "lab-kubernetes")])


CAST = [("omar", "operator"), ("ana", "approver"), ("erin", "engineer")]


def as_(name: str, *roles: str) -> Client:
    client = Client()
    client.force_login(person(name, *roles))
    return client


def engage(client: Client, scope: str = "all", reason: str = "Failover test") -> int:
    return client.post("/stop/engage", {"scope": scope, "reason": reason}).status_code


def release(client: Client) -> int:
    return client.post(f"/stop/{Stop.objects.latest('id').pk}/release").status_code


@pytest.mark.parametrize(
    ("scope", "in_words"),
    [
        ("all", "everything"),
        ("category:network", "category network"),
        ("connector:lab-kubernetes", "connector lab-kubernetes"),
    ],
)
def test_one_person_stops_and_everybody_is_told_on_every_page(scope: str, in_words: str) -> None:
    operator = as_("omar", "operator")
    assert engage(operator, scope) == 302
    stop = Stop.objects.get()
    assert (stop.scope, stop.reason, stop.engaged_by.username) == (scope, "Failover test", "omar")
    event = Event.objects.get(kind="stop.engaged")
    assert (event.actor_name, event.door) == ("omar", "page")
    for path in ("/stop", "/notices", "/account/tokens"):
        page = as_("erin", "engineer").get(path).content.decode()
        assert f"Emergency stop of {in_words} by omar: Failover test" in page
    assert "Failover test" not in Client().get("/login").content.decode()


def test_the_button_on_every_page_stops_without_leaving_it() -> None:
    operator = as_("omar", "operator")
    for path in ("/notices", "/account/tokens"):
        page = operator.get(f"{path}?a=b").content.decode()
        assert f'name="next" value="{path}?a=b"' in page
        assert f'value="Stopped from {path}"' in page
    options = operator.get("/stop/scopes").content.decode()
    assert all(scope in options for scope in ('"all"', '"category:network"', '"connector:lab-kubernetes"'))
    back = operator.post("/stop/engage", {"scope": "category:network", "reason": "Smoke", "next": "/notices?a=b"})
    assert (back.status_code, back["Location"]) == (302, "/notices?a=b")
    abroad = operator.post("/stop/engage", {"scope": "all", "reason": "Smoke", "next": "https://example.org/"})
    assert abroad["Location"] == "/stop"
    assert as_("erin", "engineer").get("/stop/scopes").status_code == 403
    assert 'action="/stop/engage"' not in as_("ella", "engineer").get("/notices").content.decode()


def test_programs_stop_and_release_under_the_same_rules() -> None:
    omar, ana, erin = (caller(person(name, role)) for name, role in CAST)
    stops = "/api/v1/stops"
    assert erin.post(stops, {"reason": "Smoke"}, format="json").status_code == 403
    unknown = omar.post(stops, {"scope": "category:nothing", "reason": "Smoke"}, format="json")
    assert unknown.json()["errors"][0]["field"] == "scope"
    made = omar.post(stops, {"scope": "category:network", "reason": "Smoke"}, format="json")
    assert (made.status_code, made.json()["engaged_by"]) == (201, "omar")
    assert omar.post(stops, {"scope": "category:network", "reason": "Smoke"}, format="json").status_code == 409
    assert [each["scope"] for each in erin.get(stops).json()] == ["category:network"]
    release_it = f"{stops}/{made.json()['id']}/release"
    assert omar.post(release_it).status_code == 403
    assert ana.post(release_it).json()["released_by"] == "ana"
    assert ana.post(release_it).status_code == 409
    assert omar.post(f"{stops}/0/release").status_code == 404
    assert erin.get(stops).json() == []


def test_starting_again_takes_another_person() -> None:
    omar = as_("omar", "operator")
    engage(omar)
    assert release(omar) == 403
    assert "Somebody else releases" in omar.post(f"/stop/{Stop.objects.get().pk}/release").content.decode()
    assert release(as_("erin", "engineer")) == 403
    assert Stop.objects.get().released_at is None
    assert release(as_("ana", "approver")) == 302
    assert Stop.objects.get().released_by
    assert release(as_("astrid", "approver")) == 409
    page = as_("erin", "engineer").get("/stop").content.decode()
    assert "Nothing is stopped" in page
    assert "Emergency stop of" not in page
    assert "Failover test" in page


def test_the_database_keeps_one_person_from_stopping_and_starting_again() -> None:
    engage(as_("omar", "operator"))
    stop = Stop.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Stop.objects.update(released_by=stop.engaged_by, released_at=stop.engaged_at)


def test_a_stop_that_does_not_exist_is_not_found() -> None:
    assert as_("omar", "operator").post("/stop/4711/release").status_code == 404


def test_a_mistake_keeps_what_was_typed() -> None:
    omar = as_("omar", "operator")
    silent = omar.post("/stop/engage", {"scope": "category:network", "reason": " "})
    assert silent.status_code == 422
    assert 'value="category:network" selected' in silent.content.decode()
    unknown = omar.post("/stop/engage", {"scope": "category:unheard-of", "reason": "Keep me"})
    assert unknown.status_code == 422
    assert "Keep me" in unknown.content.decode()
    engage(omar)
    again = omar.post("/stop/engage", {"scope": "all", "reason": "Keep me too"})
    assert again.status_code == 409
    assert "engaged already" in again.content.decode()
    assert "Keep me too" in again.content.decode()
    assert Stop.objects.count() == 1


def test_others_see_the_page_but_no_button() -> None:
    erin = as_("erin", "engineer")
    page = erin.get("/stop").content.decode()
    assert "/stop/engage" not in page
    assert 'aria-label="Emergency stop"' not in page
    assert engage(erin) == 403
    assert 'aria-label="Emergency stop"' in as_("omar", "operator").get("/notices").content.decode()
    assert Client().get("/stop").status_code == 302


def test_the_banner_costs_every_page_one_query_and_a_second_one_while_something_is_stopped() -> None:
    erin = as_("erin", "engineer")
    with statements() as calm:
        erin.get("/notices")
    for scope in ("all", "category:network", "category:cache"):
        engage(as_("omar", "operator"), scope)
    with statements() as stopped:
        erin.get("/notices")
    assert sum("signoff_stop" in query for query in calm) == 1
    assert len(stopped) == len(calm) + 1
    assert sum("signoff_stop" in query for query in stopped) == 2
