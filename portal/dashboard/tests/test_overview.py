"""The overview page: the same figures as the API, with words where nothing is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from feedback.models import Feedback
from portal.access.models import Person
from portal.access.testing import caller, person
from portal.dashboard import presenting, stats
from portal.estate.models import Category
from portal.kit.testing.queries import statements
from remediation.review.testing import ticket
from remediation.tickets.models import Ticket


def as_(someone: Person) -> Client:
    client = Client()
    client.force_login(someone)
    return client


def words(client: Client, url: str = "/overview") -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def judged(opener: Person, key: str, status: str, rating: int, *, days_ago: float = 1, **said: Any) -> Ticket:
    """A ticket that ended, with one answer about it."""
    at = timezone.now() - timedelta(days=days_ago)
    made = ticket(opener, key)
    Ticket.objects.filter(pk=made.pk).update(status=status, finished_at=at)
    kind = "positive" if rating > 3 else "negative"
    answer = {"feedback_type": kind, "rating": rating, "created_at": at, "updated_at": at, **said}
    Feedback.objects.create(ticket=made, person=opener, **answer)
    return made


def figures(client: Client, url: str = "/overview") -> dict[str, str]:
    return {figure.name: figure.value for figure in client.get(url).context["overview"].figures}


def test_a_period_without_data_says_so_and_shows_no_zero(cast: dict[str, Person]) -> None:
    shown = figures(as_(cast["auditor"]))
    patterns = shown.pop("Eligible patterns")
    assert patterns == "0"
    assert set(shown.values()) == {"no data"}
    page = words(as_(cast["auditor"]))
    assert "0 %" not in page
    assert "<polyline" not in page
    assert "no ratings" in page


def test_the_figures_are_those_of_the_api(cast: dict[str, Person]) -> None:
    judged(cast["engineer"], "INC-1", "resolved", 5)
    judged(cast["engineer"], "INC-2", "failed", 1)
    judged(cast["engineer"], "INC-3", "resolved", 4, resolution_accurate=False)
    shown = figures(as_(cast["auditor"]))
    api = caller(cast["auditor"]).get("/api/v1/stats/reliability?days=30").json()
    assert shown["Resolved"] == f"{round(api['resolution_rate'] * 100, 1):g} %" == "66.7 %"
    assert shown["Positive feedback"] == f"{round(api['positive_rate'] * 100, 1):g} %" == "33.3 %"
    overview = as_(cast["auditor"]).get("/overview").context["overview"]
    assert overview.ratings.series[0].values == [1, 0, 0, 1, 1]
    assert [value for _, (value,) in overview.feedback.table] == [33.3, 33.4, 33.3]
    lines = {line.category.slug: line for line in overview.lines}
    assert lines["kubernetes"].resolved == 66.7
    assert lines["cache"].resolved is None


def test_one_answer_is_an_answer(cast: dict[str, Person]) -> None:
    judged(cast["engineer"], "INC-1", "resolved", 5)
    page = words(as_(cast["auditor"]))
    assert "of 1 answer<" in page
    assert "of 1 finished ticket<" in page


def test_the_days_choose_the_period(cast: dict[str, Person]) -> None:
    judged(cast["engineer"], "INC-1", "resolved", 5, days_ago=20)
    client = as_(cast["auditor"])
    assert figures(client, "/overview?days=7")["Resolved"] == "no data"
    assert figures(client, "/overview?days=30")["Resolved"] == "100 %"
    assert figures(client, "/overview?days=90")["Resolved"] == "100 %"
    assert 'href="?days=7" aria-current="true"' in words(client, "/overview?days=7")


@pytest.mark.parametrize("days", ["8", "-1", "", "x", "30.0"])
def test_another_period_is_refused(cast: dict[str, Person], days: str) -> None:
    answer = as_(cast["auditor"]).get("/overview", {"days": days})
    assert answer.status_code == 422
    assert "Choose one of 7, 30, 90 days." in answer.content.decode()


@pytest.mark.parametrize("days", presenting.CHOICES)
def test_the_trend_divides_the_period_without_gap_or_overlap(cast: dict[str, Person], days: int) -> None:
    for number in range(5):
        judged(cast["engineer"], f"INC-{number}", "resolved" if number % 2 else "failed", 3, days_ago=number + 0.5)
    overview = presenting.overview(Category.objects.all(), days=days, until=timezone.now())
    resolved = overview.trend.series[1].values
    assert len(resolved) == presenting.CHOICES[days]
    assert resolved[-1] is not None
    if days == 7:
        assert resolved == [None, None, 0, 100, 0, 100, 0]


def test_stars_are_counted_in_permitted_categories_only(cast: dict[str, Person]) -> None:
    judged(cast["engineer"], "INC-1", "resolved", 5)
    period = stats.Period(timezone.now() - timedelta(days=7), timezone.now())
    assert stats.ratings(Category.objects.filter(slug="kubernetes"), period) == [0, 0, 0, 0, 1]
    assert stats.ratings(Category.objects.filter(slug="cache"), period) == [0] * 5


def test_a_person_sees_the_figures_of_their_categories(cast: dict[str, Person]) -> None:
    judged(cast["engineer"], "INC-1", "resolved", 5)
    narrow = as_(person("narrow", sees=[Category.objects.get(slug="cache")]))
    page = words(narrow)
    assert "/policies/cache" in page
    assert "/policies/kubernetes" not in page
    assert figures(narrow)["Resolved"] == "no data"
    assert "No category is yours to see" in words(as_(person("outsider")))
    assert Client().get("/overview").status_code == 302


def test_the_page_asks_a_constant_number_of_questions(cast: dict[str, Person]) -> None:
    client = as_(cast["auditor"])
    with statements() as few:
        words(client)
    for number in range(10):
        judged(cast["engineer"], f"INC-{number}", "resolved", 5)
        Category.objects.create(slug=f"more-{number}", name=f"More {number}")
    with statements() as many:
        words(client)
    assert len(many) == len(few) <= 40
