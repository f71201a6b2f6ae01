"""Puts the files of an incident bundle together and signs them: the same rows at the same time give the same bytes."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction

from portal.audit import anchors, sealing
from portal.audit.sealer import CannotSeal, Sealer
from portal.dashboard.bundle import contents, page
from portal.dashboard.bundle.verify_bundle import MANIFEST, SIGNATURE, VERSION, digest_of, zip_of
from portal.kit.refusals import Refused, because
from remediation.tickets.models import Ticket

VERIFIER = Path(__file__).parent / "verify_bundle.py"
PAUSES = (0.0, 0.5, 1.0, 2.0)
"""Seconds to wait before each look whether everything is sealed; the cluster's own sealer comes by every second."""


def made(ticket_id: int, *, at: datetime, largest: int) -> bytes:
    """The bundle of a ticket as the database is at this moment; Refused with the reason if there can be none."""
    key = _key()
    ticket, tables, sheets = _sealed(ticket_id, key, at)
    files = {f"{name}.json": _json(data) for name, data in tables.items()} | sheets
    files["index.html"] = page.page_of(tables, sheets, key=sealing.public_key_of(key), at=at)
    files[VERIFIER.name] = VERIFIER.read_text()
    if (size := sum(map(len, files.values()))) > largest:
        text = f"The bundle would have {size:,} characters; {largest:,} are the most. Use manage.py incident_bundle."
        raise Refused(because("too_large", text))
    return _signed({name: text.encode() for name, text in files.items()}, key, ticket.key, at)


def public_key() -> str:
    """The key that bundles of this process are checked with."""
    return sealing.public_key_of(_key())


def _key() -> Ed25519PrivateKey:
    try:
        return sealing.private_key(settings.SEAL_KEY)
    except ValueError as error:
        raise Refused(because("no_key", "This process has no SEAL_KEY, so it can prove nothing.")) from error


def _sealed(ticket_id: int, key: Ed25519PrivateKey, at: datetime) -> tuple[Ticket, dict[str, Any], dict[str, str]]:
    """What is to be said, read at one moment at which every event of it was sealed."""
    sealer = Sealer(key, anchors.configured())
    for pause in PAUSES:
        time.sleep(pause)
        try:
            sealer.turn(at=at)
        except CannotSeal as reason:
            raise Refused(because("cannot_seal", f"The audit trail cannot be sealed: {reason}")) from reason
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            ticket = Ticket.objects.select_related("category", "service").get(pk=ticket_id)
            tables, sheets = contents.tables_of(ticket), dict(contents.sheets_of(ticket))
        if not tables["trail"]["unsealed"]:
            return ticket, tables, sheets
    raise Refused(because("unsealed", "Something is still happening to this ticket. Ask again in a moment."))


def _signed(files: dict[str, bytes], key: Ed25519PrivateKey, ticket_key: str, at: datetime) -> bytes:
    manifest = {
        "version": VERSION,
        "ticket": ticket_key,
        "made_at": sealing.moment(at),
        "key": sealing.public_key_of(key),
        "files": {name: {"sha256": digest_of(data), "size": len(data)} for name, data in files.items()},
    }
    files[MANIFEST] = _json(manifest).encode()
    files[SIGNATURE] = key.sign(files[MANIFEST]).hex().encode()
    return zip_of(files)


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
