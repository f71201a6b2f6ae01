"""Tells the database what the registry knows, so that no role enqueues what is not for it to ask (law 5)."""

from __future__ import annotations

from django.db import transaction

from portal.jobs import registry
from portal.jobs.models import Kind


def plant() -> None:
    """Make the table of kinds what the registry says. Run by the owner, after every migration."""
    known = [Kind(name=each.kind, queue=each.queue, asked_by=list(each.asked_by)) for each in registry.kinds()]
    with transaction.atomic():
        Kind.objects.exclude(name__in=[each.name for each in known]).delete()
        Kind.objects.bulk_create(
            known, update_conflicts=True, unique_fields=["name"], update_fields=["queue", "asked_by"]
        )
