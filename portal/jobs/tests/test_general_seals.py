"""A real general cluster seals the trail and writes the end of the chain down outside the database."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from portal.audit import services as audit
from portal.audit import verifying
from portal.audit.anchors import File
from portal.audit.models import Event, Seal
from portal.jobs.testing import eventually
from portal.jobs.tests.test_workers import ROOT
from portal.kit.actors import Ref, system
from portal.launch import roles, testing


@pytest.fixture
def anchor(committed_db: str, test_server: testing.TestServer, tmp_path: Path) -> Iterator[File]:
    """`manage.py workers general` on this test's database, with a key, and where it writes the end of the chain."""
    environment = {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_PROCESS": "general",
        "DATABASE_URL": test_server.url(committed_db, roles.role_of("general")),
        "AUDIT_ANCHOR": str(tmp_path / "anchor.jsonl"),
        "SEAL_KEY": secrets.token_urlsafe(32),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "workers", "general"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as started:
        try:
            yield File(str(tmp_path / "anchor.jsonl"))
        finally:
            started.kill()  # and with it, by its own doing, all that it started
            connections.close_all()


def test_what_happens_is_sealed_and_the_end_of_the_chain_anchored(anchor: File) -> None:
    for number in (1, 2):
        event = audit.record("it.happened", actor=system("web"), at=timezone.now(), subject=Ref("a.b", number, "b"))
        eventually(lambda event=event: Seal.objects.filter(event_ids__contains=[event.pk]).exists())  # type: ignore[misc]
    eventually(lambda: (last := anchor.last()) is not None and last.number == Seal.objects.latest("number").number)
    report = verifying.verify(anchor=anchor, keys=frozenset())
    assert report.events + report.unsealed == Event.objects.count()
    assert report.seals >= 2
