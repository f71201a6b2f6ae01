"""Keeps the library: loads what ships, switches runbooks on and off, hands the active ones to the drafters."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import transaction

from portal.audit import services as audit
from portal.kit import statements
from portal.kit.actors import Actor, system
from portal.kit.refusals import StaleTransition, because
from remediation.connectors.families.roles import APPLY_ROLE
from remediation.knowledge import library
from remediation.knowledge.models import Runbook
from remediation.knowledge.procedures import OperationStep, Procedure

SHIPPED = ["title", "category_slug", "version", "text", "role", "digest", "loaded_at"]


@dataclass(frozen=True, slots=True)
class Book:
    """A runbook as it stands in the library."""

    slug: str
    digest: str
    procedure: Procedure


def load(at: datetime) -> int:
    """Bring the library up to the shipped files and answer how many changed; what was switched off stays off."""
    shipped = [_row(each, at) for each in library.shipped().values()]
    with transaction.atomic():
        before = dict(Runbook.objects.select_for_update().order_by("id").values_list("slug", "digest"))
        changed = [each for each in shipped if each.digest != before.get(each.slug)]
        Runbook.objects.bulk_create(changed, update_conflicts=True, unique_fields=["slug"], update_fields=SHIPPED)
        for each in changed:
            data = {"version": each.version, "digest": each.digest, "before": before.get(each.slug)}
            audit.record("runbook.loaded", actor=system("knowledge"), at=at, subject=each.ref, data=data)
    return len(changed)


def shelf() -> list[Book]:
    """The active runbooks, each under its digest."""
    with statements.cursor() as cursor:
        cursor.execute("SELECT slug, digest FROM knowledge_runbook WHERE is_active ORDER BY slug")
        rows = cursor.fetchall()
    return [Book(slug, digest, _read(digest)) for slug, digest in rows]


def naming(operations: Collection[str], books: Iterable[Book]) -> dict[str, str]:
    """The digests of the runbooks with a step that is one of these operations, by slug."""
    return {book.slug: book.digest for book in books if _names(book.procedure, operations)}


def switch(runbook_id: int, *, is_active: bool, actor: Actor, at: datetime) -> Runbook:
    """Let drafters use a runbook, or not; the doors check who may."""
    with transaction.atomic():
        runbook = Runbook.objects.select_for_update().get(pk=runbook_id)
        if runbook.is_active == is_active:
            raise StaleTransition(because("already", f"{runbook.title} is already {'on' if is_active else 'off'}."))
        runbook.is_active = is_active
        runbook.save(update_fields=["is_active"])
        kind = "runbook.switched_on" if is_active else "runbook.switched_off"
        audit.record(kind, actor=actor, at=at, subject=runbook.ref, data={"version": runbook.version})
    return runbook


@lru_cache(maxsize=512)
def _read(digest: str) -> Procedure:
    """The runbook behind a digest; read once per process, since a digest stands for one text for ever."""
    row = Runbook.objects.get(digest=digest)
    return library.parsed(row.text, row.role)


def _names(procedure: Procedure, operations: Collection[str]) -> bool:
    steps = procedure.front.steps
    brings = procedure.front.role is not None and APPLY_ROLE.name in operations
    return brings or any(isinstance(step, OperationStep) and step.operation in operations for step in steps)


def _row(shipped: library.Shipped, at: datetime) -> Runbook:
    front = shipped.procedure.front
    return Runbook(
        slug=front.slug,
        title=front.title,
        category_slug=front.category,
        version=front.version,
        text=shipped.text,
        role=shipped.role,
        digest=shipped.digest,
        loaded_at=at,
    )
