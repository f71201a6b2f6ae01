"""Whoever owns the database changes it at a random place: the check finds it and names what does not fit."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from portal.audit import anchors, chain, sealing, verifying
from portal.audit import services as audit
from portal.audit.models import Event, Seal
from portal.audit.sealer import Sealer, checkpoint_of
from portal.audit.sealing import STAMPED, Checkpoint
from portal.audit.verifying import Misfit, Verified
from portal.kit import canonical
from portal.kit.actors import Actor, Ref, system

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
KEY = sealing.private_key(secrets.token_urlsafe(32))
MINE = frozenset({sealing.public_key_of(KEY)})
EMPTY = canonical.text_of({}, version=audit.VERSION)
EVENTS = 14
SEALS = 5
NUMBERS = st.integers(0, EVENTS - 1)
EXCHANGE = {
    "id": (
        "UPDATE audit_event SET id = 9999999 WHERE id = %(one)s",
        "UPDATE audit_event SET id = %(one)s WHERE id = %(other)s",
        "UPDATE audit_event SET id = %(other)s WHERE id = 9999999",
    ),
    "xid": (
        "UPDATE audit_event SET xid = %(other_xid)s WHERE id = %(one)s",
        "UPDATE audit_event SET xid = %(one_xid)s WHERE id = %(other)s",
    ),
}
many = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


class Remembering:
    """An anchor in memory, as another place than a file would be."""

    def __init__(self, checkpoints: list[Checkpoint]) -> None:
        self.checkpoints = checkpoints

    def last(self) -> Checkpoint | None:
        return self.checkpoints[-1] if self.checkpoints else None

    def append(self, checkpoint: Checkpoint) -> None:
        self.checkpoints.append(checkpoint)

    def all(self) -> Iterator[Checkpoint]:
        yield from self.checkpoints


@pytest.fixture
def trail(committed_db: str, as_role: Callable[[str], Any]) -> Remembering:
    """Some events in some seals, one of them from a transaction that took long, and a copy of everything."""
    anchor = Remembering([])
    with as_role("drafting") as slow:
        slow.autocommit = False
        slow.execute(
            "INSERT INTO audit_event (at, kind, door, actor_kind, actor_name, subject_kind, subject_id, subject_name,"
            " ticket_key, body, body_digest)"
            " VALUES (now(), 'slow.one', 'job', 'system', 'drafting', 's', 1, 's', '', %s, %s)",
            [EMPTY, canonical.digest_of(EMPTY)],
        )
        for number in range(SEALS):
            if number == SEALS - 2:
                slow.commit()
            for i in range(EVENTS // SEALS + (number < EVENTS % SEALS) - (number == SEALS - 2)):
                happened(number * 100 + i)
            Sealer(KEY, anchor).turn(at=AT)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept_events AS TABLE audit_event; CREATE TABLE kept_seals AS TABLE audit_seal")
    assert (Event.objects.count(), Seal.objects.count()) == (EVENTS, SEALS)
    return anchor


def happened(number: int) -> None:
    actor = Actor("human", number, f"person {number}", "page") if number % 2 else system("probe")
    ticket = Ref("tickets.ticket", number, f"INC-{number}")
    audit.record("it.happened", actor=actor, at=AT, subject=Ref("a.b", number, "b"), ticket=ticket, data={"n": number})


@contextmanager
def tampered(*statements: str, **values: Any) -> Iterator[None]:
    """As the owner, for a while. The constraints are gone: nothing but the proof is in the way."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event DROP CONSTRAINT IF EXISTS audit_event_door_check")
        cursor.execute("ALTER TABLE audit_event DROP CONSTRAINT IF EXISTS audit_event_actor_kind_check")
        for statement in statements:
            cursor.execute(statement, values)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE audit_event, audit_seal")
            cursor.execute("INSERT INTO audit_event SELECT * FROM kept_events")
            cursor.execute("INSERT INTO audit_seal SELECT * FROM kept_seals")


def in_order() -> list[Event]:
    """As the chain has them."""
    place = chain.seals_of((each.pk, each.xid) for each in Event.objects.all())
    return sorted(Event.objects.all(), key=lambda each: (place[each.pk], each.xid, each.pk))


def fault(anchor: Remembering, since: Verified | None = None) -> Misfit:
    with pytest.raises(Misfit) as found:
        verifying.verify(anchor=anchor, keys=frozenset(), since=since)
    return found.value


def another(value: Any) -> str:
    """SQL for a value of the same type that is not this one."""
    if isinstance(value, datetime):
        return "{0} + interval '1 microsecond'"
    return "coalesce({0}, 0) + 1" if isinstance(value, int | None) else "overlay({0} placing 'é' from 1 for 1)"


def test_what_was_left_alone_fits(trail: Remembering) -> None:
    report = verifying.verify(anchor=trail, keys=frozenset())
    assert (report.seals, report.events, report.unsealed) == (SEALS, EVENTS, 0)
    happened(999)
    again = verifying.verify(anchor=trail, keys=frozenset(), since=report.verified)
    assert (again.seals, again.events, again.unsealed) == (0, 0, 1)
    Sealer(KEY, trail).turn(at=AT)
    further = verifying.verify(anchor=trail, keys=frozenset(), since=report.verified)
    assert (further.seals, further.events, further.unsealed) == (1, 1, 0)


@many
@given(place=NUMBERS, column=st.sampled_from([name for name in (*STAMPED, "body") if name not in ("id", "xid")]))
def test_a_changed_event_is_named(trail: Remembering, place: int, column: str) -> None:
    event = in_order()[place]
    change = another(getattr(event, column)).format(column)
    with tampered(f"UPDATE audit_event SET {column} = {change} WHERE id = %(id)s", id=event.pk):  # noqa: S608
        found = fault(trail)
    assert found.event_id == event.pk
    assert ("changed" in str(found)) == (column != "body")


@many
@given(places=st.sets(NUMBERS, min_size=1, max_size=3))
def test_the_first_missing_event_is_named(trail: Remembering, places: set[int]) -> None:
    events = in_order()
    gone = [events[place].pk for place in places]
    with tampered("DELETE FROM audit_event WHERE id = ANY(%(gone)s)", gone=gone):
        found = fault(trail)
    assert found.event_id == events[min(places)].pk
    assert "is missing" in str(found)


@many
@given(place=NUMBERS, as_id=st.integers(1_000, 9_000_000))
def test_an_event_put_between_is_named(trail: Remembering, place: int, as_id: int) -> None:
    columns = ", ".join(name for name in (*STAMPED, "body") if name != "id")
    copy = f"INSERT INTO audit_event (id, {columns}) SELECT %(id)s, {columns} FROM audit_event WHERE id = %(of)s"  # noqa: S608
    with tampered(copy, id=as_id, of=in_order()[place].pk):
        found = fault(trail)
    assert found.event_id == as_id
    assert "was inserted" in str(found)


def test_an_event_of_a_transaction_that_is_yet_to_come_is_named(trail: Remembering) -> None:
    happened(500)
    newest = Event.objects.latest("pk").pk
    with tampered("UPDATE audit_event SET xid = xid + 1000000 WHERE id = %(id)s", id=newest):
        assert fault(trail).event_id == newest


@many
@given(places=st.lists(NUMBERS, min_size=2, max_size=2, unique=True), column=st.sampled_from(["id", "xid"]))
def test_events_that_changed_places_are_found(trail: Remembering, places: list[int], column: str) -> None:
    one, other = (in_order()[place] for place in places)
    if getattr(one, column) == getattr(other, column):
        return
    with tampered(*EXCHANGE[column], one=one.pk, other=other.pk, one_xid=one.xid, other_xid=other.xid):
        assert fault(trail).event_id in (one.pk, other.pk)


@many
@given(number=st.integers(1, SEALS), column=st.sampled_from([field.attname for field in Seal._meta.concrete_fields]))
def test_a_changed_seal_is_found(trail: Remembering, number: int, column: str) -> None:
    change = {
        "open_xids": "array_append(open_xids, 1)",
        "event_ids": "event_ids[2:] || 999999::bigint",
        "leaves": "set_byte(leaves, 0, (get_byte(leaves, 0) + 1) %% 256)",
        "number": "number + 100",
        "size": "size + 1",
        "until_xid": "until_xid + 1",
        "sealed_at": "sealed_at + interval '1 microsecond'",
    }.get(column, f"overlay({column} placing '_' from 1 for 1)")
    unchecked = "ALTER TABLE audit_seal DROP CONSTRAINT IF EXISTS audit_seal_has_a_leaf_per_event"
    update = f"UPDATE audit_seal SET {column} = {change} WHERE number = %(number)s"  # noqa: S608
    with tampered(unchecked, update, number=number):
        assert fault(trail).seal == number


@many
@given(number=st.integers(1, SEALS))
def test_a_missing_seal_and_a_shortened_chain_are_found(trail: Remembering, number: int) -> None:
    with tampered("DELETE FROM audit_seal WHERE number = %(number)s", number=number):
        assert fault(trail).seal == (number if number < SEALS else trail.checkpoints[-1].number)
    tail = "DELETE FROM audit_event WHERE id IN (SELECT unnest(event_ids) FROM audit_seal WHERE number >= %(number)s)"
    with tampered(tail, "DELETE FROM audit_seal WHERE number >= %(number)s", number=number):
        assert "the anchor knows" in str(fault(trail))


def test_a_chain_that_was_written_anew_with_another_key_is_found(trail: Remembering) -> None:
    stranger = sealing.private_key(secrets.token_urlsafe(32))
    with tampered("UPDATE audit_event SET actor_name = 'somebody else'", "TRUNCATE audit_seal"):
        Sealer(stranger, Remembering([])).turn(at=AT)
        assert "nobody here knows" in str(fault(Remembering([])))


def test_a_chain_that_was_written_anew_with_the_right_key_is_found_by_the_anchor(trail: Remembering) -> None:
    with tampered("UPDATE audit_event SET actor_name = 'somebody else'", "TRUNCATE audit_seal"):
        Sealer(KEY, Remembering([])).turn(at=AT)
        assert "anchor" in str(fault(trail))
        assert verifying.verify(anchor=Remembering([]), keys=MINE).events == EVENTS


def test_an_anchor_that_was_changed_is_found(trail: Remembering) -> None:
    for name in ("number", "digest", "sealed_at", "key", "signature"):
        value: Any = getattr(trail.checkpoints[0], name)
        changed: Any = {name: value + 1 if isinstance(value, int) else value[:-1] + ("0" if value[-1] != "0" else "1")}
        forged = [replace(trail.checkpoints[0], **changed), *trail.checkpoints[1:]]
        assert "wrong signature" in str(fault(Remembering(forged)))


def test_a_further_run_finds_that_the_past_was_replaced(trail: Remembering) -> None:
    verified = verifying.verify(anchor=trail, keys=MINE).verified
    with tampered("TRUNCATE audit_seal"):
        Sealer(KEY, Remembering([])).turn(at=AT)
        assert "no longer what it was" in str(fault(trail, since=verified))
    with tampered("DELETE FROM audit_seal WHERE number = 2"):
        assert "not the one in the anchor" in str(fault(Remembering(trail.checkpoints[1:2]), since=verified))


def test_the_command_answers_by_its_exit_code(trail: Remembering, settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.SEAL_KEY = tmp_path, ""
    settings.AUDIT_ANCHOR = str(tmp_path / "anchor.jsonl")
    anchors.File(settings.AUDIT_ANCHOR).append(checkpoint_of(Seal.objects.get(pk=SEALS)))
    assert f"Seals 1 to {SEALS} fit: {EVENTS} events" in told()
    assert f"Nothing new after seal {SEALS}" in told()
    victim = in_order()[3].pk
    with tampered("DELETE FROM audit_event WHERE id = %(id)s", id=victim):
        assert f"Nothing new after seal {SEALS}" in told()
        with pytest.raises(CommandError, match=f"Event {victim} is missing") as found:
            told("--full")
    assert found.value.returncode == 1
    with tampered("TRUNCATE audit_event, audit_seal"), pytest.raises(CommandError, match="no longer") as found:
        told()
    assert found.value.returncode == 1


def test_before_the_first_seal_there_is_nothing_to_verify(
    committed_db: str, settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR, settings.AUDIT_ANCHOR = tmp_path, str(tmp_path / "anchor.jsonl")
    with pytest.raises(CommandError, match="Nothing is sealed") as found:
        told()
    assert found.value.returncode == 2


def told(*options: str) -> str:
    answer = StringIO()
    call_command("audit_verify", *options, stdout=answer)
    return answer.getvalue()
