"""The queue through the browser's door: what waits, for whom, in which order, at what cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import person
from portal.estate.models import Category
from portal.jobs.testing import drain
from portal.kit.testing.queries import statements
from remediation.desk.testing import as_
from remediation.drafting import services as remediations
from remediation.drafting.models import Drafter, Remediation
from remediation.drafting.testing import endings
from remediation.policy.models import CategoryPolicy
from remediation.review import testing as review
from remediation.tickets.models import Evidence, Ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")


def waiting(opener: Person, key: str, **changes: Any) -> Ticket:
    """A ticket whose draft waits for review, with fresh evidence."""
    ticket = review.ticket(opener, key, **changes)
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    review.drafted(ticket)
    drain("probe")
    return ticket


def clones(ticket: Ticket, count: int) -> None:
    """More rows like that of a ticket, without the work of making them."""
    source = review.remediation_of(ticket)
    for number in range(count):
        copy = Ticket.objects.get(pk=ticket.pk)
        copy.pk, copy.key = None, f"COPY-{number}"
        copy.save()
        row = Remediation.objects.get(pk=source.pk)
        row.pk, row.ticket = None, copy
        row.save()
        head = remediations.head(source)
        assert head
        head.pk, head.remediation, head.drafter = None, row, Drafter.RUNBOOK
        head.save()


def titles(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/{query}")
    assert answer.status_code == 200
    return [each["row"].key for each in answer.context["rows"]]


def queries(client: Client, path: str = "/") -> int:
    with statements() as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_worst_comes_first_then_what_waits_longest(cast: dict[str, Person]) -> None:
    for key, severity in (("OLD-3", 3), ("OLD-1", 1), ("NEW-1", 1), ("NEW-2", 2)):
        waiting(cast["engineer"], key, severity=severity)
    Remediation.objects.filter(ticket__key="OLD-1").update(status_at=timezone.now() - timedelta(hours=9))
    client = as_(cast["reviewer"])
    assert titles(client) == ["OLD-1", "NEW-1", "NEW-2", "OLD-3"]
    page = client.get("/").content.decode()
    assert '<a class="button primary" href="/tickets/OLD-1/review">Review next</a>' in page
    assert '<div class="age late">' in page
    assert "9 h 0 min" in page


def test_a_row_says_what_is_missing_and_whether_it_is_yours(cast: dict[str, Person]) -> None:
    waiting(cast["engineer"], "INC-1")
    page = as_(cast["reviewer"]).get("/").content.decode()
    assert "merge sign-off" in page
    assert "yours to sign" in page
    assert "yours to sign" not in as_(cast["engineer"]).get("/").content.decode()


def test_mine_leaves_out_what_i_made_signed_or_may_not_sign(cast: dict[str, Person]) -> None:
    waiting(cast["engineer"], "INC-1")
    assert titles(as_(cast["reviewer"]), "?tab=mine") == ["INC-1"]
    assert titles(as_(cast["engineer"]), "?tab=mine") == []
    both = person("both", "engineer", "reviewer")
    waiting(both, "INC-2")
    assert titles(as_(both), "?tab=mine") == ["INC-1"]
    plan = as_(cast["approver"]).get("/tickets/INC-1/review").context["decision"]
    body = {"verdict": "sign", **{name: plan[name] for name in ("digest", "stage", "sheet")}}
    assert as_(cast["approver"]).post("/tickets/INC-1/review/decide", body).status_code == 302
    assert titles(as_(cast["approver"]), "?tab=mine") == ["INC-2"]
    assert "INC-1" in titles(as_(cast["second approver"]), "?tab=mine")


def test_mine_leaves_out_where_the_policy_counts_the_signatures_of_others(cast: dict[str, Person]) -> None:
    waiting(cast["engineer"], "INC-1")
    owners = Group.objects.create(name="pool owners")
    CategoryPolicy.objects.get(category__slug="kubernetes").approvers.add(owners)
    assert titles(as_(cast["reviewer"]), "?tab=mine") == []
    cast["reviewer"].groups.add(owners)
    assert titles(as_(cast["reviewer"]), "?tab=mine") == ["INC-1"]


def test_what_needs_a_person_has_a_tab_of_its_own(cast: dict[str, Person]) -> None:
    waiting(cast["engineer"], "INC-1")
    ticket = review.ticket(cast["engineer"], "INC-2")
    begun = remediations.begin(ticket.pk, actor=cast["engineer"].at("job"), at=timezone.now())
    endings.ask_person(begun.pk, reason="The evidence names no deployment.", at=timezone.now())
    client = as_(cast["reviewer"])
    assert titles(client, "?tab=person") == ["INC-2"]
    assert "The evidence names no deployment." in client.get("/").content.decode()
    assert titles(client, "?status=in_review") == ["INC-1"]
    assert titles(client, "?severity=4") == []
    assert titles(client, "?severity=nonsense&category=unheard-of") == ["INC-1", "INC-2"]


def test_who_opens_tickets_can_do_so_from_the_queue(cast: dict[str, Person]) -> None:
    assert 'href="/tickets/new"' in as_(cast["engineer"]).get("/").content.decode()
    assert 'href="/tickets/new"' not in as_(cast["auditor"]).get("/").content.decode()


def test_an_empty_queue_says_so(cast: dict[str, Person]) -> None:
    assert "Nothing waits" in as_(cast["reviewer"]).get("/").content.decode()
    assert "Nothing like that waits" in as_(cast["reviewer"]).get("/?tab=mine").content.decode()


def test_people_see_their_categories_only(cast: dict[str, Person]) -> None:
    waiting(cast["engineer"], "INC-1")
    outsider = as_(person("outsider", sees=[Category.objects.get(slug="network")]))
    assert titles(outsider) == []
    assert outsider.get("/").context["figures"][0]["value"] == 0
    assert Client().get("/").status_code == 302


def test_the_page_follows_what_happens(cast: dict[str, Person]) -> None:
    waiting(cast["engineer"], "INC-1")
    client = as_(cast["reviewer"])
    live = client.get("/?tab=mine").context["live"]
    assert client.get(live).status_code == 204
    waiting(cast["engineer"], "INC-2")
    answer = client.get(live)
    assert answer.status_code == 200
    assert "INC-2" in answer.content.decode()
    assert client.get(answer.context["live"]).status_code == 204


def test_pages_of_the_queue_join(cast: dict[str, Person]) -> None:
    clones(waiting(cast["engineer"], "INC-1"), 60)
    client = as_(cast["reviewer"])
    first = client.get("/")
    second = client.get(f"/{first.context['older']}")
    shown = [each["row"].key for answer in (first, second) for each in answer.context["rows"]]
    assert len(shown) == len(set(shown)) == 61
    assert client.get("/?after=rubbish").status_code == 422


@pytest.mark.parametrize("path", ["/", "/?tab=mine", "/tickets"])
def test_the_number_of_queries_does_not_depend_on_the_rows(cast: dict[str, Person], path: str) -> None:
    ticket = waiting(cast["engineer"], "INC-1")
    client = as_(cast["reviewer"])
    queries(client, path)
    few = queries(client, path)
    clones(ticket, 55)
    assert queries(client, path) == few <= 22


def test_grants_on_ten_of_sixty_categories_cost_no_query_more(cast: dict[str, Person]) -> None:
    ticket = waiting(cast["engineer"], "INC-1")
    everywhere = queries(as_(cast["reviewer"]))
    many = [Category.objects.create(slug=f"more-{number}", name=f"More {number}") for number in range(51)]
    narrow = as_(person("narrow", sees=[*many[:9], ticket.category]))
    assert titles(narrow) == ["INC-1"]
    assert queries(narrow) <= everywhere
