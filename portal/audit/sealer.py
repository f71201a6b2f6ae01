"""Seals what happened: every second, all events of the transactions that have ended since, as one link of the chain.

Recording stays one INSERT, and nobody waits for a seal. A slow transaction holds up its own events only: a seal lists
the transactions that still run, and their events come with the first seal after their end.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from portal.audit import anchors, chain
from portal.audit.anchors import Anchor
from portal.audit.chain import Horizon
from portal.audit.models import Seal
from portal.audit.sealing import Checkpoint, SealText, leaf_of, moment, private_key, root_of

logger = logging.getLogger(__name__)

MOST = 10_000
"""Events in one seal, unless a single transaction wrote more."""
EVERY_SECONDS = 1.0
ANCHOR_EVERY_SECONDS = 5.0
_LONGEST_PAUSE = 60.0
_LOCK = 7_346_214_001  # of PostgreSQL's advisory locks: one sealer at a time


class CannotSeal(Exception):
    """The chain must not go on as it stands; the message says what somebody has to look at."""


class Sealer:
    """One process that seals. Any number may run: they take turns."""

    def __init__(self, key: Ed25519PrivateKey, anchor: Anchor) -> None:
        self._key = key
        self._anchor = anchor
        self._anchored_at = float("-inf")

    def turn(self, *, at: datetime) -> int:
        """Seal what is new and write the tip down when that is due; returns how many seals it made.

        What comes meanwhile is left to the next turn: under load there would be a seal for every handful of events.
        """
        self._compare(self._anchor.last())
        made, end = 0, chain.now().until_xid
        while seal := seal_next(self._key, at=at):
            made += 1
            if seal.until_xid >= end:
                break
        if time.monotonic() - self._anchored_at >= ANCHOR_EVERY_SECONDS:
            self.write_tip_down()
        return made

    def write_tip_down(self) -> None:
        """The newest seal goes to the anchor, outside any transaction (law 7)."""
        if seal := chain.tip():
            self._anchor.append(checkpoint_of(seal))
            self._anchored_at = time.monotonic()

    @staticmethod
    def _compare(last: Checkpoint | None) -> None:
        """Nothing is signed twice under one number: a chain shorter than its anchor, or another one, is left alone."""
        if last is None:
            return
        seal = Seal.objects.filter(number=last.number).values_list("digest", flat=True).first()
        if seal != last.digest:
            state = "is missing" if seal is None else "is another one"
            raise CannotSeal(f"Seal {last.number}, which the anchor names, {state}: run manage.py audit_verify.")


def seal_next(key: Ed25519PrivateKey, *, at: datetime) -> Seal | None:
    """Adds one seal over at most about MOST events; None when nothing is new or another sealer is at it."""
    with transaction.atomic(durable=True):
        if not _is_alone():
            return None
        tip = chain.tip()
        before, after = chain.horizon_of(tip), chain.now()
        if after.until_xid < before.until_xid:
            raise CannotSeal("This database counts transactions anew, as after a restore: run manage.py prepare.")
        after = chain.nearer(before, after, most=MOST)
        events = chain.events_between(before, after)
        return _append(tip, after, events, key, at) if events else None


def keep_sealing(pause: Callable[[float], bool]) -> None:
    """Seal for as long as `pause`, which waits so many seconds, answers True. Errors are logged and outlived."""
    sealer = _configured()
    rest = EVERY_SECONDS
    while sealer and pause(rest):
        try:
            sealer.turn(at=timezone.now())
            rest = EVERY_SECONDS
        except (CannotSeal, anchors.Unreadable, Error, OSError) as error:
            logger.exception("Events are recorded, but not sealed: %s", error)  # noqa: TRY401 - the terminal shows one line
            connection.close()
            rest = min(_LONGEST_PAUSE, rest * 2)


def checkpoint_of(seal: Seal) -> Checkpoint:
    """The checkpoint that the row keeps."""
    return Checkpoint(seal.number, seal.digest, moment(seal.sealed_at), seal.key, seal.signature)


def _configured() -> Sealer | None:
    if not settings.SEAL_KEY:
        logger.warning("Events are recorded, but not sealed: this process has no SEAL_KEY")
        return None
    try:
        return Sealer(private_key(settings.SEAL_KEY), anchors.configured())
    except ValueError:
        logger.error("Events are recorded, but not sealed: SEAL_KEY is not 32 bytes in base64url")  # noqa: TRY400
        return None


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _append(
    tip: Seal | None, after: Horizon, events: list[dict[str, object]], key: Ed25519PrivateKey, at: datetime
) -> Seal:
    number, previous = chain.link_of(tip)
    leaves = [leaf_of(event) for event in events]
    text = SealText(
        number=number,
        previous=previous,
        until_xid=after.until_xid,
        open_xids=after.open_xids,
        size=len(leaves),
        root=root_of(leaves).hex(),
        sealed_at=moment(at),
    )
    checkpoint = text.signed(key)
    return Seal.objects.create(
        number=number,
        previous=previous,
        digest=checkpoint.digest,
        until_xid=after.until_xid,
        open_xids=list(after.open_xids),
        size=len(leaves),
        root=text.root,
        sealed_at=at,
        key=checkpoint.key,
        signature=checkpoint.signature,
        event_ids=[event["id"] for event in events],
        leaves=b"".join(leaves),
    )
