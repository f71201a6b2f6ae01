"""Statements that are built once say what the ORM says, and the server has them prepared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model, Q
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from portal.kit import statements
from portal.kit.statements import Query, among, given
from portal.kit.tests.models import Place, Thing, create_tables

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_PLACES = Query(
    lambda: Thing.objects.filter(among("place__slug", "slugs"), seen_at__lte=given("until")).select_related("place")
)
NOTED = Query(lambda: Thing.objects.filter(Q(note=given("note")) | Q(note=None)).order_by("-pk"))
ODD = "100 %, o'clock, %s, %%"
ODDLY_NOTED = Query(lambda: Thing.objects.filter(note=ODD, seen_at__lte=given("until")))
LOCKED = Query(lambda: Thing.objects.select_for_update().filter(pk=given("id")))


@pytest.fixture
def shelf(db: None) -> Place:
    create_tables(Place, Thing)
    return Place.objects.create(slug="shelf", name="The shelf")


def thing(place: Place, **changes: Any) -> Thing:
    return Thing(**{"place": place, "data": {"n": [1]}, "tags": ["a", "b"], "seen_at": AT, **changes})


def columns(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_rows_are_those_of_the_orm_with_what_is_selected_beside_them(
    shelf: Place, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    floor = Place.objects.create(slug="floor", name="The floor")
    Thing.objects.bulk_create([thing(shelf), thing(floor, data={}, tags=[]), thing(shelf, note="old")])
    with django_assert_num_queries(1):
        found = IN_PLACES.all(slugs=["shelf", "none"], until=AT)
        assert [each.place.name for each in found] == ["The shelf"] * 2
    assert [columns(each) for each in found] == [columns(each) for each in Thing.objects.filter(place=shelf)]
    assert len(IN_PLACES.all(slugs=["floor", "shelf"], until=AT)) == 3
    assert IN_PLACES.all(slugs=[], until=AT) == []
    assert [each.note for each in NOTED.all(note="old")] == ["old", None, None]
    assert [each.note for each in NOTED.all(note=None)] == [None, None]


def test_a_value_that_is_the_same_each_time_stands_in_the_text(shelf: Place) -> None:
    Thing.objects.bulk_create([thing(shelf, note=ODD), thing(shelf, note="even")])
    with CaptureQueriesContext(connection) as sent:
        assert [each.note for each in ODDLY_NOTED.all(until=AT)] == [ODD]
    assert "'100 %%, o''clock, %%s, %%%%'" in sent.captured_queries[0]["sql"]


def test_a_new_row_is_what_save_would_have_made(shelf: Place) -> None:
    one, two = statements.insert(thing(shelf)), thing(shelf)
    two.save()
    assert {**columns(Thing.objects.get(pk=one.pk)), "id": two.pk} == columns(Thing.objects.get(pk=two.pk))
    assert (one._state.adding, one._state.db) == (two._state.adding, two._state.db)


def test_new_rows_are_added_in_their_order_by_one_statement(
    shelf: Place, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        rows = statements.insert_all([thing(shelf, note=each) for each in "abc"])
    assert list(Thing.objects.order_by("pk").values_list("pk", "note")) == [(row.pk, row.note) for row in rows]
    with django_assert_num_queries(0):
        assert statements.insert_all([]) == []


def test_what_is_known_is_not_added_again_and_otherwise_refused(shelf: Place) -> None:
    assert not statements.insert_unless_known(Place(slug="shelf", name="Another"), by="slug")
    assert statements.insert_unless_known(Place(slug="floor", name="The floor"), by="slug")
    assert dict(Place.objects.values_list("slug", "name")) == {"shelf": "The shelf", "floor": "The floor"}
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.insert(Place(slug="shelf", name="Another"))


def test_only_rows_that_stand_as_they_were_seen_are_changed(shelf: Place) -> None:
    row = statements.insert(thing(shelf))
    assert statements.update(Thing, {"pk": row.pk, "note": None}, note="seen", data={"n": 2}, place=shelf) == 1
    assert statements.update(Thing, {"pk": row.pk, "note": None}, note="never") == 0
    assert statements.update(Thing, {"pk": row.pk, "note": "other"}, note="never") == 0
    row.refresh_from_db()
    assert (row.note, row.data) == ("seen", {"n": 2})


def test_new_rows_go_beside_a_change_in_one_statement(
    shelf: Place, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = statements.insert(thing(shelf))
    new = [Place(slug="floor", name="The floor"), thing(shelf, note="new", data={"n": 3})]
    with transaction.atomic(), django_assert_num_queries(1):
        assert statements.update_beside(new, Thing, {"pk": row.pk, "note": None}, note="seen") == 1
    assert list(Thing.objects.order_by("pk").values_list("note", "data")) == [("seen", row.data), ("new", {"n": 3})]
    with transaction.atomic():
        beside = [Place(slug="door", name="The door")]
        assert statements.update_beside(beside, Thing, {"pk": row.pk, "note": None}, note="never") == 0
    assert set(Place.objects.values_list("slug", flat=True)) == {"shelf", "floor", "door"}


def test_new_rows_of_several_tables_go_in_one_statement(
    shelf: Place, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        statements.insert_together([Place(slug="floor", name="The floor"), thing(shelf)])
    assert Place.objects.filter(slug="floor").exists()
    assert Thing.objects.get().place == shelf


def test_what_goes_beside_a_change_is_added_inside_a_transaction_only(committed_db: str) -> None:
    create_tables(Place, Thing)
    with pytest.raises(TransactionManagementError):
        statements.update_beside([Place(slug="floor", name="The floor")], Place, {"slug": "shelf"}, name="Mine")
    assert not Place.objects.exists()


def test_no_row_is_none_or_the_model_s_own_error(shelf: Place) -> None:
    assert LOCKED.first(id=0) is None
    with pytest.raises(Thing.DoesNotExist):
        LOCKED.one(id=0)


def test_rows_are_locked_inside_a_transaction_only(committed_db: str) -> None:
    create_tables(Place, Thing)
    row = statements.insert(thing(Place.objects.create(slug="shelf", name="The shelf")))
    with transaction.atomic():
        assert LOCKED.one(id=row.pk) == row
    with pytest.raises(TransactionManagementError):
        LOCKED.one(id=row.pk)


def test_the_server_has_one_text_prepared_for_all_values(committed_db: str) -> None:
    create_tables(Place, Thing)
    for number in range(3):
        NOTED.all(note=f"note {number}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE '%thing%'")
        assert cursor.fetchall() == [(3,)]
