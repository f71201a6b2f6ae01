"""States move as the table says, in Python and in the database."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from portal.kit.moving import move
from portal.kit.refusals import StaleTransition
from portal.kit.tests.models import NEXT, Lamp, create_table
from portal.kit.transitions import can, drop_sql, trigger_sql

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def lamps(db: None) -> None:
    create_table()


@pytest.fixture
def guarded(lamps: None) -> None:
    _run(trigger_sql("kit_test_lamp", "status", NEXT))


def _run(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _lamp(status: str = "off") -> Lamp:
    return Lamp.objects.create(status=status, lit_at=AT)


def test_a_state_without_successors_is_an_end() -> None:
    assert not can(NEXT, "it's broken", "on")
    assert not can(NEXT, "unheard of", "on")
    assert can(NEXT, "off", "on")


@pytest.mark.parametrize(("old", "new"), list(product(NEXT, NEXT)))
def test_the_trigger_and_the_table_agree_on_every_pair(guarded: None, old: str, new: str) -> None:
    lamp = _lamp(old)
    rows = Lamp.objects.filter(pk=lamp.pk)
    if old == new or can(NEXT, old, new):
        assert rows.update(status=new) == 1
        return
    with pytest.raises(IntegrityError, match=f"cannot go from {old} to {new}") as refusal, transaction.atomic():
        rows.update(status=new)
    assert getattr(refusal.value.__cause__, "sqlstate", None) == "23514"


def test_an_unknown_or_missing_state_cannot_be_left_or_entered(guarded: None) -> None:
    _run(["ALTER TABLE kit_test_lamp ALTER status DROP NOT NULL"])
    for old, new in (("from nowhere", "on"), ("off", "nowhere"), ("off", None)):
        lamp = _lamp(old)
        with pytest.raises(IntegrityError, match=f"cannot go from {old}"), transaction.atomic():
            Lamp.objects.filter(pk=lamp.pk).update(status=new)


def test_other_columns_may_change_in_every_state(guarded: None) -> None:
    lamp = _lamp("it's broken")
    Lamp.objects.filter(pk=lamp.pk).update(watts=3)
    lamp.refresh_from_db()
    assert lamp.watts == 3


def test_the_statements_can_run_twice_and_be_undone(guarded: None) -> None:
    _run(trigger_sql("kit_test_lamp", "status", NEXT))
    _run(drop_sql("kit_test_lamp", "status"))
    lamp = _lamp("it's broken")
    assert Lamp.objects.filter(pk=lamp.pk).update(status="on") == 1


def test_a_table_without_moves_refuses_all_of_them(lamps: None) -> None:
    _run(trigger_sql("kit_test_lamp", "status", {"off": frozenset()}))
    lamp = _lamp("off")
    with pytest.raises(IntegrityError), transaction.atomic():
        Lamp.objects.filter(pk=lamp.pk).update(status="on")


def test_moving_writes_the_state_and_what_goes_with_it(guarded: None) -> None:
    lamp = _lamp()
    move(lamp, "on", next_states=NEXT, watts=60)
    assert (lamp.status, lamp.watts) == ("on", 60)
    stored = Lamp.objects.get(pk=lamp.pk)
    assert (stored.status, stored.watts) == ("on", 60)


def test_of_two_who_move_the_same_row_the_second_is_told(lamps: None) -> None:
    first = _lamp()
    second = Lamp.objects.get(pk=first.pk)
    move(first, "on", next_states=NEXT)
    with pytest.raises(StaleTransition, match="no longer off"):
        move(second, "it's broken", next_states=NEXT, watts=1)
    assert second.status == "off"
    assert Lamp.objects.get(pk=first.pk).watts == 0


def test_a_move_that_the_table_does_not_list_is_stale_and_writes_nothing(lamps: None) -> None:
    lamp = _lamp("on")
    with pytest.raises(StaleTransition, match="cannot become it's broken"):
        move(lamp, "it's broken", next_states=NEXT)
    assert Lamp.objects.get(pk=lamp.pk).status == "on"
