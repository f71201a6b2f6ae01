"""Jobs of the room: letters are written, sent, asked for again and forgotten by the general cluster."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler
from portal.notices import delivering, spreading


@handler("notices.spread", queue="general", asked_by=("web", "execution", "general"))
def spread(job: Handed) -> str:
    """Write the letters of a message."""
    return spreading.spread(job.subject_id or 0, only=job.payload.get("only"), at=job.at)


@handler("notices.send", queue="general", asked_by=("web", "general"))
def send(job: Handed) -> str:
    """Send what is due through one outlet."""
    return delivering.send(job.subject_id or 0, at=job.at)


@handler("notices.sweep", queue="general", every_seconds=30)
def sweep(job: Handed) -> str:
    """Ask for outlets with something due: digests, later tries, and what a job lost."""
    return delivering.sweep(at=job.at)


@handler("notices.tidy", queue="general", every_seconds=3600)
def tidy(job: Handed) -> str:
    """Forget letters that ended a month ago."""
    forgotten = 0
    while batch := delivering.forget_ended(at=job.at):
        forgotten += batch
        if not job.renew():
            break
    return f"forgot {forgotten} letters"
