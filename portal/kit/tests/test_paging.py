"""Pages walk every row once, forwards and backwards, with one query each."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db.models import F, QuerySet
from pytest_django import DjangoAssertNumQueries

from portal.kit.paging import Page, page_of
from portal.kit.refusals import Refused
from portal.kit.tests.models import Lamp, create_table

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORDERS = [
    ("id",),
    ("-id",),
    ("lit_at", "id"),
    ("-lit_at", "-id"),
    ("-lit_at", "id"),
    ("label", "-watts", "id"),
    ("-doubled", "id"),
]


@pytest.fixture
def lamps(db: None) -> QuerySet[Lamp]:
    create_table()
    Lamp.objects.bulk_create(
        Lamp(status="off", lit_at=AT + timedelta(microseconds=i // 5), watts=i % 3, label='ä\n"'[: i % 4])
        for i in range(23)
    )
    doubled: QuerySet[Lamp] = QuerySet(Lamp).annotate(doubled=F("watts") * 2)
    return doubled


def _walk(rows: QuerySet[Lamp], order: Sequence[str], size: int) -> list[Page[Lamp]]:
    pages = [page_of(rows, order=order, after=None, size=size)]
    while pages[-1].next:
        pages.append(page_of(rows, order=order, after=pages[-1].next, size=size))
    return pages


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
@pytest.mark.parametrize("size", [1, 4, 22, 23, 24])
def test_the_pages_are_the_list_in_pieces(lamps: QuerySet[Lamp], order: Sequence[str], size: int) -> None:
    pages = _walk(lamps, order, size)
    assert [row.pk for page in pages for row in page.items] == [row.pk for row in lamps.order_by(*order)]
    assert pages[0].previous is None
    for before, page in pairwise(pages):
        back = page_of(lamps, order=order, after=page.previous, size=size)
        assert back.items == before.items
        assert (back.previous is None) == (before.previous is None)
        assert back.next is not None


def test_a_page_costs_one_query(lamps: QuerySet[Lamp], django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first = page_of(lamps, order=("-lit_at", "id"), after=None, size=5)
    with django_assert_num_queries(1):
        page_of(lamps, order=("-lit_at", "id"), after=first.next, size=5)


def test_rows_that_arrive_meanwhile_neither_repeat_nor_hide_others(lamps: QuerySet[Lamp]) -> None:
    first = page_of(lamps, order=("-id",), after=None, size=10)
    Lamp.objects.create(status="on", lit_at=AT)
    Lamp.objects.filter(pk=first.items[-1].pk).delete()
    second = page_of(lamps, order=("-id",), after=first.next, size=10)
    assert [row.pk for row in second.items] == list(range(first.items[-1].pk - 1, first.items[-1].pk - 11, -1))


def test_one_direction_is_one_comparison_that_an_index_can_serve(lamps: QuerySet[Lamp]) -> None:
    first = page_of(lamps, order=("-lit_at", "-id"), after=None, size=5)
    rows = page_of(lamps, order=("-lit_at", "-id"), after=first.next, size=5).items
    assert rows[0].pk == first.items[-1].pk - 1


def test_an_empty_list_has_one_empty_page(lamps: QuerySet[Lamp]) -> None:
    assert page_of(lamps.none(), order=("id",), after=None, size=5) == Page([], None, None)


def _cursor(*content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


ORDER = ["-lit_at", "id"]
TIME = AT.isoformat()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "äöü",
        "!!!!",
        "AAAA",
        "A" * 5_000,
        "/etc/passwd",
        _cursor(),
        _cursor("after", ORDER),
        _cursor("after", ORDER, [TIME]),
        _cursor("after", ORDER, [TIME, 1, 2]),
        _cursor("after", ["id"], [1]),
        _cursor("sideways", ORDER, [TIME, 1]),
        _cursor(["after"], ORDER, [TIME, 1]),
        _cursor("after", ORDER, [None, 1]),
        _cursor("after", ORDER, [TIME, "one"]),
        _cursor("after", ORDER, [TIME, 2**70]),
        _cursor("after", ORDER, [TIME, -(2**70)]),
        _cursor("after", ORDER, [TIME, [1]]),
        _cursor("after", ORDER, [TIME, {"a": 1}]),
        _cursor("after", ORDER, ["yesterday", 1]),
        _cursor("after", ORDER, ["2026-11-21", 1]),
        _cursor("after", ORDER, ["2026-11-21T12:00:00", 1]),
        _cursor("after", ORDER, [1, 1]),
        _cursor("after", ORDER, {"a": 1, "b": 2}),
        base64.b64encode(b"[" * 700).decode(),
        base64.b64encode(b"\xff\xfe\x00").decode(),
        _cursor("after", ORDER, [float("nan"), 1]),
    ],
)
def test_nonsense_is_refused_and_names_the_field(lamps: QuerySet[Lamp], cursor: str) -> None:
    with pytest.raises(Refused) as refusal:
        page_of(lamps, order=("-lit_at", "id"), after=cursor, size=5)
    assert [reason.field for reason in refusal.value.reasons] == ["after"]


@pytest.mark.parametrize("label", ["a\x00b", "\ud800"])
def test_text_that_no_database_takes_is_refused(lamps: QuerySet[Lamp], label: str) -> None:
    with pytest.raises(Refused):
        page_of(lamps, order=("label", "id"), after=_cursor("after", ["label", "id"], [label, 1]), size=5)


@pytest.mark.parametrize("size", [0, -1, 201])
def test_a_size_out_of_range_is_refused(lamps: QuerySet[Lamp], size: int) -> None:
    with pytest.raises(Refused) as refusal:
        page_of(lamps, order=("id",), after=None, size=size)
    assert [reason.field for reason in refusal.value.reasons] == ["size"]
