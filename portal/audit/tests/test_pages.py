"""The audit page: who may read the trail, and how it is narrowed."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import person
from portal.audit import reads
from portal.audit import services as audit
from portal.audit.models import Event
from portal.kit.actors import Actor, Ref
from portal.kit.testing.queries import statements

pytestmark = pytest.mark.django_db
TICKET = Ref("tickets.ticket", 7, "INC-7")


def happened(kind: str, actor: Actor, ticket: Ref | None = None, **data: object) -> Event:
    return audit.record(
        kind, actor=actor, at=timezone.now(), subject=Ref("some.thing", 1, "thing"), ticket=ticket, data=data
    )


@pytest.fixture
def auditor() -> Client:
    client = Client()
    client.force_login(person("aude", "auditor"))
    Event.objects.all()
    return client


def kinds(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/audit{query}")
    assert answer.status_code == 200
    return [event.kind for event in answer.context["page"].items if event.kind != "person.signed_in"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["plan.signed", "plan.opened", "stop.engaged"]),
        ("?actor=probe", ["plan.opened"]),
        ("?actor=%20ana%20", ["plan.signed", "stop.engaged"]),
        ("?kind=plan.signed", ["plan.signed"]),
        ("?ticket=INC-7", ["plan.signed", "plan.opened"]),
        ("?door=api", ["plan.signed"]),
        ("?actor=ana&ticket=INC-7", ["plan.signed"]),
        ("?subject=some.thing:1", ["plan.signed", "plan.opened", "stop.engaged"]),
        ("?subject=some.thing:2", []),
        ("?since=2026-01-01T00:00:00", ["plan.signed", "plan.opened", "stop.engaged"]),
        ("?since=2999-01-01T00:00", []),
        ("?until=2026-01-01T00:00", []),
        ("?until=2999-01-01&actor=ana", ["plan.signed", "stop.engaged"]),
        ("?ticket=INC-8", []),
    ],
)
def test_the_trail_is_narrowed_by_every_filter(auditor: Client, query: str, expected: list[str]) -> None:
    happened("stop.engaged", Actor("human", 5, "ana", "page"))
    happened("plan.opened", Actor("system", None, "probe", "job"), TICKET)
    happened("plan.signed", Actor("human", 5, "ana", "api"), TICKET)
    assert kinds(auditor, query) == expected


def test_nonsense_is_pointed_out(auditor: Client) -> None:
    assert auditor.get("/audit?kind=unheard.of").status_code == 422
    assert auditor.get("/audit?actor=a%00b").status_code == 400
    assert auditor.get("/audit?after=rubbish").status_code == 422
    assert auditor.get("/audit?subject=plan").status_code == 422
    assert auditor.get("/audit?since=yesterday").status_code == 422
    assert auditor.get("/audit/export.csv?since=yesterday").status_code == 422
    assert auditor.get("/audit/export.xls").status_code == 404


def test_the_kinds_are_found_without_reading_every_event(auditor: Client) -> None:
    for kind in ("a.b", "a.b", "c.d", "b.c", "c.d"):
        happened(kind, Actor("system", None, "probe", "job"))
    assert [kind for kind in reads.kinds() if "person" not in kind] == ["a.b", "b.c", "c.d"]


def test_pages_join_in_a_constant_number_of_queries(auditor: Client) -> None:
    happened("plan.opened", Actor("system", None, "probe", "job"), TICKET)
    auditor.get("/audit")
    with statements() as few:
        auditor.get("/audit")
    for _ in range(59):
        happened("plan.opened", Actor("system", None, "probe", "job"), TICKET)
    with statements() as many:
        first = auditor.get("/audit?kind=plan.opened")
    second = auditor.get(f"/audit{first.context['older']}")
    assert len(first.context["page"].items) + len(second.context["page"].items) == 60
    assert len(many) == len(few)


def test_pages_by_time_join_too(auditor: Client) -> None:
    for _ in range(60):
        happened("plan.opened", Actor("system", None, "probe", "job"), TICKET)
    first = auditor.get("/audit?kind=plan.opened&since=2026-01-01T00:00")
    second = auditor.get(f"/audit{first.context['older']}")
    found = [event.pk for page in (first, second) for event in page.context["page"].items]
    assert len(set(found)) == 60
    assert found == sorted(found, reverse=True)


def test_an_event_shows_what_changed(auditor: Client) -> None:
    changed = happened(
        "policy.changed",
        Actor("human", 5, "petra", "admin"),
        before={"zone": "UTC", "days": []},
        after={"zone": "Europe/Oslo", "days": [0, 1], "is_enabled": True},
    )
    page = auditor.get(f"/audit/{changed.pk}").content.decode()
    assert "What changed" in page
    lines = [(each.name, each.before, each.after) for each in reads.details_of(changed)]
    assert lines == [
        ("days", "–", "0, 1"),  # noqa: RUF001
        ("is_enabled", "–", "yes"),  # noqa: RUF001
        ("zone", "UTC", "Europe/Oslo"),
    ]


def test_an_event_whose_body_retention_dropped_says_so(auditor: Client) -> None:
    event = happened("plan.opened", Actor("system", None, "probe", "job"), TICKET, digest="abc")
    assert "abc" in auditor.get(f"/audit/{event.pk}").content.decode()
    assert reads.details_of(Event(body=None)) == []
    assert auditor.get("/audit/999999").status_code == 404


@pytest.mark.parametrize("role", ["engineer", "reviewer", "approver", "operator"])
def test_others_do_not_read_the_trail(role: str) -> None:
    event = happened("plan.opened", Actor("system", None, "probe", "job"), TICKET)
    client = Client()
    client.force_login(person("someone", role))
    for path in ("/audit", f"/audit/{event.pk}", "/audit/export.csv", "/audit/export.json", "/audit/retention"):
        assert client.get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert 'href="/audit"' not in client.get("/").content.decode()


def test_people_who_read_it_find_it_in_the_navigation(auditor: Client) -> None:
    assert 'href="/audit"' in auditor.get("/").content.decode()
    assert Person.objects.get().has_perm("audit.view_event")
