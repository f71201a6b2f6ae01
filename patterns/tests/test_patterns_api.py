"""Patterns by API: only of permitted categories, most frequent first, rates null without observations."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from patterns.models import Pattern
from portal.access.testing import caller, person
from portal.estate.models import Category

PATTERNS = "/api/v1/patterns"


@pytest.fixture
def categories(db: None) -> dict[str, Category]:
    return {slug: Category.objects.create(slug=slug, name=slug.title()) for slug in ("network", "storage")}


def pattern(category: Category, title: str, occurrences: int, **fields: Any) -> Pattern:
    return Pattern.objects.create(
        category=category,
        signature=title,
        title=title,
        key_terms=["link"],
        created_at=timezone.now(),
        occurrences=occurrences,
        **fields,
    )


def titles(path: str, **grants: Any) -> list[str]:
    answer = caller(person("olga", **grants)).get(path)
    assert answer.status_code == 200
    return [row["title"] for row in answer.json()["items"]]


def test_patterns_are_narrowed_and_ordered(categories: dict[str, Category]) -> None:
    for title, occurrences in (("rare", 1), ("often", 9), ("seldom", 5)):
        pattern(categories["network"], title, occurrences)
    pattern(categories["storage"], "full disk", 7)
    every = list(categories.values())
    assert titles(PATTERNS, sees=every) == ["often", "full disk", "seldom", "rare"]
    assert titles(f"{PATTERNS}?category=network&min_occurrences=5", sees=every) == ["often", "seldom"]


def test_patterns_of_other_categories_do_not_exist(categories: dict[str, Category]) -> None:
    pattern(categories["network"], "often", 9)
    assert titles(f"{PATTERNS}?category=network", sees=[categories["storage"]]) == []


def test_a_rate_without_observations_is_null(categories: dict[str, Category]) -> None:
    pattern(categories["network"], "new", 2)
    known = {
        "feedback_count": 3,
        "positive_permille": 667,
        "average_rating_hundredths": 433,
        "reliability_permille": 861,
    }
    pattern(categories["network"], "known", 1, executed_count=4, succeeded_count=3, **known)
    rows = caller(person("olga", sees=list(categories.values()))).get(PATTERNS).json()["items"]
    rates = ("positive_rate", "average_rating", "reliability", "success_rate")
    assert [rows[0][name] for name in rates] == [None, None, None, None]
    assert [rows[1][name] for name in rates] == [0.667, 4.33, 86.1, 0.75]


def test_pages_of_patterns_join_to_the_whole_list(categories: dict[str, Category]) -> None:
    for number in range(7):
        pattern(categories["network"], f"p{number}", occurrences=number // 3)
    client = caller(person("olga", sees=list(categories.values())))
    whole = [row["title"] for row in client.get(PATTERNS).json()["items"]]
    page = client.get(f"{PATTERNS}?size=2").json()
    found = page["items"]
    while page["next"]:
        page = client.get(f"{PATTERNS}?size=2&after={page['next']}").json()
        found += page["items"]
    assert [row["title"] for row in found] == whole
    assert len(whole) == 7
