"""The pattern pages: rates with their lower bounds, what is lacking, what happened, and only what one may see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from patterns import presenting
from patterns.models import Exemplar, Occurrence, Pattern
from portal.access.models import Person
from portal.access.testing import person
from portal.estate.models import Category
from portal.kit.spans import MOST_SPANS
from portal.kit.testing.queries import statements

NOW = timezone.now()


@pytest.fixture
def categories(db: None) -> dict[str, Category]:
    return {slug: Category.objects.create(slug=slug, name=slug.title()) for slug in ("network", "storage")}


@pytest.fixture
def auditor(categories: dict[str, Category]) -> Client:
    return as_(person("audrey", "auditor"))


def as_(someone: Person) -> Client:
    client = Client()
    client.force_login(someone)
    return client


def words(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def pattern(category: Category, title: str = "Link flaps", **figures: Any) -> Pattern:
    fields: dict[str, Any] = {"occurrences": 5, "standing_at": NOW, "reasons": ["Too few."], **figures}
    return Pattern.objects.create(
        category=category, signature=title, title=title, key_terms=["link", "flap"], created_at=NOW, **fields
    )


def happened(to: Pattern, number: int, kind: str = "seen", *, days_ago: float = 0, **more: Any) -> Occurrence:
    return Occurrence.objects.create(
        pattern=to,
        source=f"{kind}:{number}",
        kind=kind,
        at=NOW - timedelta(days=days_ago),
        ticket_id=number,
        ticket_key=f"INC-{number}",
        **more,
    )


def titles(client: Client, query: str = "") -> list[str]:
    return [row.pattern.title for row in client.get(f"/patterns{query}").context["rows"]]


def test_rates_stand_beside_their_lower_bounds(auditor: Client, categories: dict[str, Category]) -> None:
    pattern(
        categories["network"],
        occurrences=24,
        feedback_count=24,
        positive_permille=917,
        average_rating_hundredths=425,
        reliability_permille=884,
        executed_count=5,
        succeeded_count=5,
    )
    page = words(auditor, "/patterns")
    assert "91.7 %" in page
    assert "of 24, at least 74.2 %" in page
    assert "100 %" in page
    assert "of 5, at least 56.6 %" in page
    assert "4.25 of 5 stars" in page
    assert "88.4" in page
    assert "Not yet: 1 missing" in page


def test_without_observations_there_is_no_rate(auditor: Client, categories: dict[str, Category]) -> None:
    pattern(categories["network"])
    page = words(auditor, "/patterns")
    assert page.count("no data") == 3
    assert "no ratings" in page
    assert "0 %" not in page


def test_an_eligible_pattern_says_so(auditor: Client, categories: dict[str, Category]) -> None:
    made = pattern(categories["network"], is_eligible=True, reasons=[])
    assert "Eligible" in words(auditor, "/patterns")
    assert "Everything asked for is reached" in words(auditor, f"/patterns/{made.pk}")


def test_the_list_is_narrowed_and_ordered(auditor: Client, categories: dict[str, Category]) -> None:
    for title, occurrences in (("rare", 1), ("often", 9), ("seldom", 5)):
        pattern(categories["network"], title, occurrences=occurrences)
    pattern(categories["storage"], "full disk", occurrences=7)
    assert titles(auditor) == ["often", "full disk", "seldom", "rare"]
    assert titles(auditor, "?category=network&min_occurrences=5") == ["often", "seldom"]
    assert titles(auditor, "?category=&min_occurrences=") == ["often", "full disk", "seldom", "rare"]


@pytest.mark.parametrize("query", ["category=nowhere", "min_occurrences=-1", "min_occurrences=many"])
def test_a_wrong_filter_is_named_and_kept(auditor: Client, query: str) -> None:
    answer = auditor.get(f"/patterns?{query}")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "errorlist" in page
    name, value = query.split("=")
    assert answer.context["form"][name].value() == value


def test_a_strange_cursor_is_refused(auditor: Client, categories: dict[str, Category]) -> None:
    made = pattern(categories["network"])
    assert auditor.get("/patterns?after=xyz").status_code == 422
    assert auditor.get(f"/patterns/{made.pk}?after=xyz").status_code == 422


def test_the_pages_of_a_list_hold_every_pattern_once(auditor: Client, categories: dict[str, Category]) -> None:
    for number in range(120):
        pattern(categories["network"], f"p{number}", occurrences=number % 7)
    seen: list[str] = []
    query: str | None = "?category=network"
    while query:
        assert "category=network" in query
        answer = auditor.get(f"/patterns{query}")
        seen += [row.pattern.title for row in answer.context["rows"]]
        query = answer.context["older"]
    assert len(seen) == len(set(seen)) == 120


def test_one_pattern_tells_what_it_is_known_by_and_what_it_lacks(
    auditor: Client, categories: dict[str, Category]
) -> None:
    made = pattern(categories["network"], reasons=["3 tickets of this pattern, at least 5 asked for."])
    Exemplar.objects.create(pattern=made, text="link flap uplink", added_at=NOW)
    page = words(auditor, f"/patterns/{made.pk}")
    for text in ("link flap uplink", '<span class="tag">flap</span>', "3 tickets of this pattern", "Not eligible yet"):
        assert text in page


def test_what_happened_is_listed_newest_first_with_links(auditor: Client, categories: dict[str, Category]) -> None:
    made = pattern(categories["network"])
    happened(made, 1)
    happened(made, 2, "executed", succeeded=False, action="enable_port", environment="staging")
    happened(made, 3, "feedback", feedback_type="positive", rating=4, actions_worked=False, reliability_permille=715)
    page = words(auditor, f"/patterns/{made.pk}")
    places = [page.index(f'href="/tickets/INC-{number}"') for number in (3, 2, 1)]
    assert places == sorted(places)
    assert "Run of enable_port" in page
    assert "actions did not work" in page
    assert "71.5" in page


def test_charts_and_questions_stay_bounded_however_often_it_came(
    auditor: Client, categories: dict[str, Category]
) -> None:
    made = pattern(categories["network"])
    happened(made, 0)
    with statements() as few:
        words(auditor, f"/patterns/{made.pk}")
    for number in range(1, 251):
        happened(made, number, days_ago=(250 - number) / 5)
    with statements() as many:
        context = auditor.get(f"/patterns/{made.pk}").context
    assert len(many) <= len(few) <= 15
    assert context["charted"] == 200
    assert sum(context["occurrences_chart"].series[0].values) == 200
    assert len(context["events"]) == 20


def test_patterns_of_other_categories_do_not_exist(categories: dict[str, Category]) -> None:
    mine, other = pattern(categories["network"], "mine"), pattern(categories["storage"], "other")
    client = as_(person("olga", sees=[categories["network"]]))
    assert titles(client) == ["mine"]
    assert client.get(f"/patterns/{mine.pk}").status_code == 200
    assert client.get(f"/patterns/{other.pk}").status_code == 404
    assert client.get("/patterns/999").status_code == 404
    assert client.get("/patterns?category=storage").status_code == 422
    assert Client().get("/patterns").status_code == 302


days = st.floats(0, 4_000).map(lambda days: NOW - timedelta(days=days))


@given(st.lists(st.tuples(days, st.sampled_from(["seen", "ran", "failed", "said"])), max_size=40))
def test_every_occurrence_is_in_one_span(events: list[tuple[Any, str]]) -> None:
    rows = [_row(number, at, kind) for number, (at, kind) in enumerate(events)]
    chart = presenting.occurrences_chart(rows)
    assert [sum(v for v in series.values if v) for series in chart.series] == [
        sum(kind == wanted for _, kind in events) for wanted in ("seen", "ran", "failed")
    ]
    assert len(chart.labels) <= MOST_SPANS
    scores = [value for value in presenting.reliability_chart(rows).series[0].values if value is not None]
    assert bool(scores) is any(kind == "said" for _, kind in events)
    assert all(score == 70 for score in scores)


def _row(number: int, at: Any, kind: str) -> Occurrence:
    said = 700 if kind == "said" else None
    stored = {"seen": "seen", "said": "feedback"}.get(kind, "executed")
    succeeded = {"ran": True, "failed": False}.get(kind)
    return Occurrence(pk=number, at=at, kind=stored, succeeded=succeeded, reliability_permille=said)


@given(st.integers(1, 400).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_the_number_of_positive_answers_survives_its_rate(counted: tuple[int, int]) -> None:
    part, whole = counted
    row = presenting.row_of(Pattern(positive_permille=round(part / whole * 1000), feedback_count=whole))
    assert row.positive.part == part
