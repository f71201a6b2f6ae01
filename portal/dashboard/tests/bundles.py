"""What tests of incident bundles start from: an incident with everything in it, and the means of a forger."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from feedback import services as feedback
from portal.access.models import Person
from portal.access.testing import caller
from portal.audit import sealing
from portal.dashboard.bundle.verify_bundle import MANIFEST, SIGNATURE, digest_of, files_of, verify, zip_of
from portal.jobs.testing import drain
from remediation.connectors import seed
from remediation.execution.testing import SYMPTOMS
from remediation.knowledge import services as knowledge
from remediation.review import testing as review
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PUBLIC = sealing.public_key_of(KEY)
ASKED = "kubectl --context lab-k8s -n payments get deploy payments-secondary"
SEEN = """\
NAME                 READY   UP-TO-DATE   AVAILABLE   AGE
payments-secondary   2/2     2            2           41d
password=hunter2hunter2"""
NEEDED = "Load test figures: at this traffic payments-secondary needs 6 replicas to carry the load."


def with_seal_key(settings: Settings, folder: Path) -> None:
    """An installation that seals, and writes the tip of its chain down in this folder."""
    settings.SEAL_KEY = base64.urlsafe_b64encode(KEY.private_bytes_raw()).decode()
    settings.AUDIT_ANCHOR = str(folder / "anchor.jsonl")
    settings.AUDIT_ANCHOR_CLASS = "portal.audit.anchors.File"


def resolved_incident() -> tuple[Ticket, dict[str, Person]]:
    """A ticket drafted, merged on a page, rolled out by API, run by workers and judged by its engineer."""
    now = timezone.now()
    review.world()
    cast = review.people()
    seed.load(now)
    knowledge.load(now)
    observed = now - timedelta(minutes=3)
    evidence = [NewEvidence("command", SEEN, observed, ASKED), NewEvidence("note", NEEDED, observed)]
    systems = ["payments-secondary"]
    ticket = review.ticket(cast["engineer"], evidence=evidence, description=SYMPTOMS, affected_systems=systems)
    drain("drafting", "probe")
    sign_on_page(cast["reviewer"], ticket)
    sign_by_api(cast["approver"], ticket)
    drain("execution")
    answer = feedback.Answer("positive", 5, comment="Six pods, no alarm since.")
    feedback.give(person=cast["engineer"], ticket_id=ticket.pk, answer=answer, door="page", at=timezone.now())
    drain("general")
    return ticket, cast


def sign_on_page(person: Person, ticket: Ticket) -> None:
    """Look at the review page and press its button."""
    client = Client()
    client.force_login(person)
    address = f"/tickets/{ticket.key}/review"
    bar = client.get(address).context["decision"]
    body = {"verdict": "sign", **{name: bar[name] for name in ("digest", "stage", "sheet")}}
    answer = client.post(f"{address}/decide", body)
    if answer.status_code != 302:
        raise AssertionError(answer.content.decode())


def sign_by_api(person: Person, ticket: Ticket) -> None:
    """Read the plan and approve it."""
    client = caller(person)
    address = f"/api/v1/tickets/{ticket.key}"
    plan = client.get(address).json()["plan"]
    body = {"approve": True, **{name: plan[name] for name in ("digest", "stage", "sheet")}}
    answer = client.post(f"{address}/approve-remediation", body, format="json")
    if answer.status_code != 200:
        raise AssertionError(answer.content)


def checked(data: bytes, *keys: str) -> tuple[bool, str]:
    """Whether the verifier is content, and all it said."""
    said: list[str] = []
    return verify(data, keys=frozenset(keys or [PUBLIC]), say=said.append), "\n".join(said)


def forged(data: bytes, name: str, change: Callable[[Any], None], *, key: Ed25519PrivateKey = KEY) -> bytes:
    """The bundle with one JSON file changed, and everything signed anew: what the holder of the key could do."""
    files = files_of(data)
    content = json.loads(files[name])
    change(content)
    files[name] = json.dumps(content).encode()
    return signed_anew(files, key=key)


def signed_anew(files: dict[str, bytes], *, key: Ed25519PrivateKey = KEY) -> bytes:
    """These files under a manifest and a signature of their own."""
    manifest = json.loads(files[MANIFEST])
    manifest["key"] = sealing.public_key_of(key)
    manifest["files"] = {
        name: {"sha256": digest_of(content), "size": len(content)}
        for name, content in files.items()
        if name not in (MANIFEST, SIGNATURE)
    }
    files[MANIFEST] = json.dumps(manifest).encode()
    files[SIGNATURE] = key.sign(files[MANIFEST]).hex().encode()
    return zip_of(files)
