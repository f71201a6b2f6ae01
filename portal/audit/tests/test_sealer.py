"""Seals on a real database: slow commits, several sealers, a backlog, a restore, and an anchor that disagrees."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings

from portal.audit import anchors, chain, numbering, proofs, sealer, sealing
from portal.audit import services as audit
from portal.audit.models import Event, Seal
from portal.audit.sealer import CannotSeal, Sealer, seal_next
from portal.kit.actors import Ref, system

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
KEY = sealing.private_key(secrets.token_urlsafe(32))
RunningAs = Callable[[str], AbstractContextManager[None]]
INSERT = (
    "INSERT INTO audit_event (at, kind, door, actor_kind, actor_name, subject_kind, subject_id, subject_name,"
    " ticket_key, body, body_digest) VALUES (now(), 'slow.one', 'job', 'system', 'drafting', 's', 1, 's', '', '', %s)"
)


def record(number: int = 1) -> list[int]:
    happened = [
        audit.record("it.happened", actor=system("web"), at=AT, subject=Ref("some.thing", i, "thing"))
        for i in range(number)
    ]
    return [event.pk for event in happened]


def covered() -> list[list[int]]:
    return list(Seal.objects.values_list("event_ids", flat=True))


@pytest.fixture
def slow(committed_db: str, as_role: Callable[[str], Any]) -> Any:
    """A transaction of another process, with an event in it, that stays open until the test commits it."""
    with as_role("drafting") as other:
        other.autocommit = False
        other.execute(INSERT, ["0" * 64])
        yield other


def test_a_batch_is_sealed_once_and_the_next_one_names_it(committed_db: str, running_as: RunningAs) -> None:
    first, later = record(3), []
    with running_as("general"):
        one = seal_next(KEY, at=AT)
        assert seal_next(KEY, at=AT) is None
    later = record(2)
    with running_as("general"):
        two = seal_next(KEY, at=AT)
    assert one
    assert two
    assert covered() == [first, later]
    assert (one.number, two.number, two.previous) == (1, 2, one.digest)
    assert (one.previous, one.size) == (sealing.NOTHING, 3)
    for seal in Seal.objects.all():
        assert chain.text_of(seal).digest() == seal.digest
        assert sealer.checkpoint_of(seal).is_genuine()


def test_a_slow_transaction_holds_up_its_own_events_only(slow: psycopg.Connection) -> None:
    before = record()
    first = seal_next(KEY, at=AT)
    assert first
    assert first.event_ids == before
    assert len(first.open_xids) >= 1
    after = record()
    second = seal_next(KEY, at=AT)
    assert second
    assert second.event_ids == after
    slow.commit()
    late = Event.objects.get(kind="slow.one")
    third = seal_next(KEY, at=AT)
    assert third
    assert third.event_ids == [late.pk]
    assert late.pk < before[0]
    assert late.xid < first.until_xid
    assert chain.seals_of((each.pk, each.xid) for each in Event.objects.all()) == {
        before[0]: (1, True),
        after[0]: (2, True),
        late.pk: (3, True),
    }


def test_what_is_rolled_back_is_never_sealed(slow: psycopg.Connection) -> None:
    record()
    seal_next(KEY, at=AT)
    slow.rollback()
    assert seal_next(KEY, at=AT) is None


def test_a_backlog_is_sealed_in_pieces_that_divide_no_transaction(
    slow: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "MOST", 3)
    singles = record(7)
    Event.objects.bulk_create([_copy(Event.objects.get(pk=singles[0])) for _ in range(8)])
    slow.commit()
    after = record(1)
    while seal_next(KEY, at=AT):
        pass
    sizes = [len(each) for each in covered()]
    assert sorted(pk for each in covered() for pk in each) == sorted(Event.objects.values_list("pk", flat=True))
    assert max(sizes) == 8
    assert sum(size > 3 for size in sizes) == 1
    assert covered()[-1][-1] == after[0]


class Busy:
    """A key that takes long: while it signs, something else happens."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def sign(self, data: bytes) -> bytes:
        if len(self.ids) < 5:
            worker = threading.Thread(target=self._happen)
            worker.start()
            worker.join()
        return KEY.sign(data)

    def public_key(self) -> Any:
        return KEY.public_key()

    def _happen(self) -> None:
        self.ids += record()
        connection.close()


def test_a_turn_ends_with_what_there_was_when_it_began(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "MOST", 3)
    busy: Any = Busy()
    before, turns = record(7), Sealer(busy, anchors.File(str(tmp_path / "anchor.jsonl")))
    assert turns.turn(at=AT) == 3
    assert sorted(pk for each in covered() for pk in each) == [*before, *busy.ids[:2]]
    assert turns.turn(at=AT) == 1
    assert covered()[-1] == busy.ids[2:3]


def _copy(event: Event) -> Event:
    given = [field for field in Event._meta.concrete_fields if not field.generated and not field.primary_key]
    return Event(**{field.attname: getattr(event, field.attname) for field in given})


def test_sealers_at_once_make_one_chain_and_seal_every_event_once(committed_db: str) -> None:
    ids = record(60)
    errors: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(20):
                record()
                seal_next(KEY, at=AT)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    while seal_next(KEY, at=AT):
        pass
    assert not errors
    sealed = [pk for each in covered() for pk in each]
    assert len(sealed) == len(set(sealed)) == len(ids) + 80
    assert list(Seal.objects.values_list("number", flat=True)) == list(range(1, Seal.objects.count() + 1))


def test_two_seals_cannot_follow_the_same_one(committed_db: str) -> None:
    record()
    seal = seal_next(KEY, at=AT)
    assert seal
    fork = Seal(**{field.attname: getattr(seal, field.attname) for field in Seal._meta.concrete_fields})
    fork.number = 2
    with pytest.raises(Exception, match="audit_seal_previous"):
        fork.save(force_insert=True)


def test_the_proof_of_an_event_needs_nothing_but_itself(committed_db: str) -> None:
    ids = record(5)
    seal_next(KEY, at=AT)
    ids += record(3)
    seal_next(KEY, at=AT)
    fresh = record()
    trusted = frozenset({sealing.public_key_of(KEY)})
    wanted = [ids[1], ids[4], ids[6], *fresh]
    proof = proofs.proof_of(wanted)
    assert list(sealing.faults_of(proof, keys=trusted)) == []
    assert [event["id"] for event in proof["events"]] == wanted[:3]
    assert proof["unsealed"] == fresh
    assert list(sealing.faults_of(proof, keys=frozenset())) != []
    for path in (("events", 0, "actor_name"), ("events", 1, "body"), ("seals", 0, "root"), ("seals", 1, "sealed_at")):
        forged = proofs.proof_of(wanted)
        forged[path[0]][path[1]][path[2]] += "x"
        assert list(sealing.faults_of(forged, keys=trusted)) != []


def test_after_a_restore_the_numbers_go_on(committed_db: str) -> None:
    record(2)
    first = seal_next(KEY, at=AT)
    assert first
    Seal.objects.update(until_xid=first.until_xid + 1_000_000)  # as if another server had counted further
    with pytest.raises(CannotSeal, match="prepare"):
        seal_next(KEY, at=AT)
    numbering.go_on()
    numbering.go_on()
    later = record()
    second = seal_next(KEY, at=AT)
    assert second
    assert second.event_ids == later
    assert Event.objects.get(pk=later[0]).xid >= first.until_xid + 1_000_000


def test_the_tip_goes_to_the_anchor_and_a_shorter_chain_is_not_signed_again(committed_db: str, tmp_path: Path) -> None:
    anchor = anchors.File(str(tmp_path / "deep" / "anchor.jsonl"))
    record()
    one = Sealer(KEY, anchor)
    assert one.turn(at=AT) == 1
    last = anchor.last()
    assert last
    assert last.number == 1
    record()
    assert Sealer(KEY, anchor).turn(at=AT) == 1
    assert [each.number for each in anchor.all()] == [1, 2]
    Seal.objects.filter(number=2).delete()
    with pytest.raises(CannotSeal, match="Seal 2, which the anchor names, is missing"):
        one.turn(at=AT)
    assert not Seal.objects.filter(number=2).exists()


def test_sealing_goes_on_until_it_is_told_to_end_and_outlives_errors(
    committed_db: str, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SEAL_KEY = secrets.token_urlsafe(32)
    settings.AUDIT_ANCHOR = str(tmp_path / "anchor.jsonl")
    rests: list[float] = []

    def pause(seconds: float) -> bool:
        rests.append(seconds)
        record()
        if len(rests) == 2:
            (tmp_path / "anchor.jsonl").write_text("rubbish\n")
        if len(rests) == 4:
            (tmp_path / "anchor.jsonl").unlink()
        return len(rests) < 6

    sealer.keep_sealing(pause)
    assert rests == [1, 1, 2, 4, 1, 1]
    assert Event.objects.count() - sum(Seal.objects.values_list("size", flat=True)) == 1
    assert "not sealed" in caplog.text


@pytest.mark.parametrize(("key", "said"), [("", "no SEAL_KEY"), ("too short", "not 32 bytes")])
def test_without_a_key_nothing_is_sealed_and_the_log_says_so(
    settings: Settings, caplog: pytest.LogCaptureFixture, key: str, said: str
) -> None:
    settings.SEAL_KEY = key
    sealer.keep_sealing(lambda _: pytest.fail("it went on"))
    assert said in caplog.text
