"""`manage.py audit_verify`: does the trail still say what was sealed? 0: yes; 1: no; 2: it could not be checked."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.audit import anchors, verifying
from portal.audit.sealing import private_key, public_key_of

_COULD_NOT = 2


class Command(BaseCommand):
    help = (
        "Check events, seals and anchor. The first run reads everything; later ones begin where the last good one"
        " ended, unless --full."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--full", action="store_true", help="read every event again, whatever was verified before")
        parser.add_argument(
            "--key", action="append", default=[], metavar="HEX", help="a public key to trust beside those in the anchor"
        )

    def handle(self, *, full: bool, key: list[str], **_: Any) -> None:
        """One line, and the exit code."""
        memory = settings.DATA_DIR / "audit" / "verified.json"
        since = None if full else verifying.remembered(memory)
        began = time.perf_counter()
        try:
            report = verifying.verify(anchor=anchors.configured(), keys=frozenset(key) | _own_key(), since=since)
        except verifying.Misfit as misfit:
            raise CommandError(f"The trail does not fit: {misfit}", returncode=1) from misfit
        if report.verified is None:
            raise CommandError("Nothing is sealed yet: is the general cluster running?", returncode=_COULD_NOT)
        verifying.remember(memory, report.verified)
        self.stdout.write(f"{_told(report, since)} {time.perf_counter() - began:.3f} s.")


def _own_key() -> frozenset[str]:
    """The public half of the signing key, where this process may hold it."""
    if not settings.SEAL_KEY:
        return frozenset()
    try:
        return frozenset({public_key_of(private_key(settings.SEAL_KEY))})
    except ValueError as error:
        raise CommandError("SEAL_KEY is not 32 bytes in base64url.", returncode=_COULD_NOT) from error


def _told(report: verifying.Report, since: verifying.Verified | None) -> str:
    end = report.verified.number if report.verified else 0
    start = f"Seals {since.number + 1} to {end}" if since else f"Seals 1 to {end}"
    what = f"{start} fit" if report.seals else f"Nothing new after seal {end}, which fits"
    return f"{what}: {report.events} events; {report.unsealed} not sealed yet."
