"""Jobs of the room: one pattern's figures after something happened, all of them every night."""

from __future__ import annotations

from patterns import services
from patterns.models import Pattern
from portal.jobs.registry import Handed, handler

A_DAY = 86_400


@handler("patterns.refold", queue="general", asked_by=("web", "drafting", "general"), about="patterns.pattern")
def refold(job: Handed) -> str:
    """Fold one pattern."""
    changed = services.refold(job.subject_id or 0, at=job.at)
    return "The figures changed." if changed else "The figures were right."


@handler("patterns.rebuild", queue="general", every_seconds=A_DAY)
def rebuild(job: Handed) -> str:
    """Fold every pattern again; a figure that had drifted is put right and counted."""
    mended = sum(services.refold(pk, at=job.at) for pk in Pattern.objects.values_list("pk", flat=True).iterator())
    return f"{mended} patterns had figures to put right."
