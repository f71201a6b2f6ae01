"""Checks the trail against its seals, the seals against each other, and their tip against the anchor.

A full run reads every event; a further run begins at the seal where the last good one ended, which is remembered
outside the database. Either names the first thing that does not fit.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from portal.audit import bodies, chain
from portal.audit.anchors import Anchor, Unreadable
from portal.audit.models import Event, Seal
from portal.audit.sealer import checkpoint_of
from portal.audit.sealing import Checkpoint, leaf_of, root_of

_SEALS_AT_ONCE = 500
_EVENTS_AT_ONCE = 20_000


class Misfit(Exception):
    """The first thing that does not fit; the message is for people. `event_id` and `seal` say where, if it is known."""

    def __init__(self, text: str, *, event_id: int | None = None, seal: int | None = None) -> None:
        super().__init__(text)
        self.event_id = event_id
        self.seal = seal


@dataclass(frozen=True, slots=True)
class Verified:
    """Up to which seal everything fits."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and where it ends; `unsealed` events have no seal yet."""

    verified: Verified | None
    seals: int
    events: int
    unsealed: int


def verify(*, anchor: Anchor, keys: frozenset[str], since: Verified | None = None) -> Report:
    """Raises Misfit. `keys` are public keys to trust beside those in the anchor; `since` is what fitted last time."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _Run(keys, since).report(anchor)


def remembered(file: Path) -> Verified | None:
    """How far the last good run got."""
    try:
        return Verified(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def remember(file: Path, verified: Verified) -> None:
    """For the next run; written whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(verified)))
    unfinished.replace(file)


class _Run:
    """One walk along the chain."""

    def __init__(self, keys: frozenset[str], since: Verified | None) -> None:
        self._keys = set(keys)
        self._since = since
        self._seals = self._events = 0
        self._kept_since = bodies.kept_since()

    def report(self, anchor: Anchor) -> Report:
        anchored = self._anchored(anchor)
        tip = self._start()
        for batch in _batches(after=tip.number if tip else 0):
            tip = self._check_batch(tip, batch)
        self._check_anchor(anchored, tip)
        unsealed = self._unsealed(tip)
        verified = Verified(tip.number, tip.digest) if tip else None
        return Report(verified, self._seals, self._events, unsealed)

    def _anchored(self, anchor: Anchor) -> list[Checkpoint]:
        """What the anchor says: all of it, or its end when the rest was compared last time. Its keys are trusted."""
        try:
            last = anchor.last()
            checkpoints = list(anchor.all()) if self._since is None else [last] if last else []
        except Unreadable as unreadable:
            raise Misfit(f"The anchor cannot be read: {unreadable}.") from unreadable
        for each in checkpoints:
            if not each.is_genuine():
                raise Misfit(f"The anchor's checkpoint of seal {each.number} has a wrong signature.", seal=each.number)
            self._keys.add(each.key)
        return checkpoints

    def _start(self) -> Seal | None:
        if self._since is None:
            return None
        number = self._since.number
        seal = Seal.objects.defer("event_ids", "leaves").filter(pk=number).first()
        if seal is None or seal.digest != self._since.digest or chain.text_of(seal).digest() != seal.digest:
            raise Misfit(f"Seal {number} is no longer what it was when it was verified last.", seal=number)
        return seal

    def _check_batch(self, tip: Seal | None, batch: list[Seal]) -> Seal | None:
        """First the links, then the events of those that hold: the first fault along the chain is the one to name."""
        before, broken = tip, None
        good: list[Seal] = []
        for seal in batch:
            if broken := self._fault_of_link(good[-1] if good else tip, seal):
                break
            good.append(seal)
        if good:
            events = _by_seal(chain.horizon_of(before), good)
            for seal in good:
                self._check_events(seal, events[seal.number])
        if broken:
            raise broken
        return good[-1]

    def _fault_of_link(self, before: Seal | None, seal: Seal) -> Misfit | None:
        number, previous = chain.link_of(before)
        if seal.number != number:
            return Misfit(f"Seal {number} is missing.", seal=number)
        if seal.previous != previous or chain.text_of(seal).digest() != seal.digest:
            return Misfit(f"Seal {number} was changed.", seal=number)
        if seal.key not in self._keys:
            return Misfit(f"Seal {number} is signed with a key that nobody here knows: {seal.key}.", seal=number)
        if not checkpoint_of(seal).is_genuine():
            return Misfit(f"The signature under seal {number} is wrong.", seal=number)
        self._seals += 1
        return None

    def _check_events(self, seal: Seal, events: Sequence[dict[str, Any]]) -> None:
        leaves = chain.leaves_of(seal)
        if root_of(leaves).hex() != seal.root:
            raise Misfit(f"The leaves of seal {seal.number} were changed.", seal=seal.number)
        found = [(event["id"], leaf_of(event)) for event in events]
        listed = list(zip(seal.event_ids, leaves, strict=True))
        if found != listed:
            raise _first_difference(seal, listed, found)
        for event in events:
            self._check_body(seal, event)
        self._events += len(events)

    def _check_body(self, seal: Seal, event: dict[str, Any]) -> None:
        fault = bodies.fault_of(event, kept_since=self._kept_since)
        if fault:
            raise Misfit(f"Event {event['id']} {fault}.", event_id=event["id"], seal=seal.number)

    def _check_anchor(self, anchored: list[Checkpoint], tip: Seal | None) -> None:
        end = tip.number if tip else 0
        digests = dict(Seal.objects.filter(pk__in=[each.number for each in anchored]).values_list("pk", "digest"))
        for each in anchored:
            if each.number > end:
                raise Misfit(f"The chain ends at seal {end}; the anchor knows seal {each.number}.", seal=each.number)
            if digests.get(each.number) != each.digest:
                raise Misfit(f"Seal {each.number} is not the one in the anchor.", seal=each.number)

    def _unsealed(self, tip: Seal | None) -> int:
        """How many events no seal covers yet; one from a transaction that is yet to come was put there."""
        forged = Event.objects.filter(xid__gte=chain.now().until_xid).order_by("xid", "id").first()
        if forged:
            raise Misfit(f"Event {forged.pk} was inserted: no transaction wrote it.", event_id=forged.pk)
        return chain.count_between(chain.horizon_of(tip), chain.now())


def _batches(after: int) -> Iterator[list[Seal]]:
    """The seals after this one, in order, in pieces that fit into memory whatever their sizes."""
    batch: list[Seal] = []
    events = 0
    for seal in Seal.objects.filter(pk__gt=after).order_by("pk").iterator(chunk_size=_SEALS_AT_ONCE):
        if batch and (len(batch) == _SEALS_AT_ONCE or events + seal.size > _EVENTS_AT_ONCE):
            yield batch
            batch, events = [], 0
        batch.append(seal)
        events += seal.size
    if batch:
        yield batch


def _by_seal(before: chain.Horizon, batch: Sequence[Seal]) -> dict[int, list[dict[str, Any]]]:
    """The events of a batch of seals, each with the first seal that found its transaction ended."""
    untils = [seal.until_xid for seal in batch]
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in chain.events_between(before, chain.horizon_of(batch[-1])):
        place = bisect_right(untils, event["xid"])
        while event["xid"] in batch[place].open_xids:
            place += 1
        found[batch[place].number].append(event)
    return found


def _first_difference(seal: Seal, listed: list[tuple[int, bytes]], found: list[tuple[int, bytes]]) -> Misfit:
    """What happened to the first event that differs from the list of its seal."""
    if root_of([leaf for _, leaf in found] or [b""]).hex() == seal.root:
        return Misfit(f"The list of events in seal {seal.number} was changed.", seal=seal.number)
    known, present = {pk for pk, _ in listed}, {pk for pk, _ in found}
    for was, is_now in zip_longest(listed, found, fillvalue=(0, b"")):
        if was == is_now:
            continue
        if was[0] == is_now[0]:
            return _misfit(was[0], "was changed", seal)
        if was[0] and was[0] not in present:
            moved = Event.objects.filter(pk=was[0]).exists()
            return _misfit(was[0], "was moved to another place" if moved else "is missing", seal)
        if is_now[0] and is_now[0] not in known:
            moved = Seal.objects.filter(event_ids__contains=[is_now[0]]).exists()
            return _misfit(is_now[0], "was moved here from another place" if moved else "was inserted", seal)
        break
    return _misfit(was[0] or is_now[0], "stands in another place", seal)


def _misfit(event_id: int, what: str, seal: Seal) -> Misfit:
    return Misfit(f"Event {event_id} {what} after seal {seal.number}.", event_id=event_id, seal=seal.number)
