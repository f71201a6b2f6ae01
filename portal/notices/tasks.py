"""Jobs of the room: letters are written, sent, asked for again and forgotten by the general cluster."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler
from portal.jobs.schedules import FAILED
from portal.jobs.services import DIED
from portal.notices import delivering, mishaps, spreading

CLUSTERS = ("drafting", "probe", "execution", "general")


@handler("notices.spread", queue="general", asked_by=("web", "execution", "general"), about="notices.message")
def spread(job: Handed) -> str:
    """Write the letters of a message."""
    return spreading.spread(job.subject_id or 0, only=job.payload.get("only"), at=job.at)


@handler("notices.send", queue="general", asked_by=("web", "general"), about="notices.outlet")
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


@handler("notices.tell_dead", queue="general", on=(DIED,), asked_by=CLUSTERS, about="jobs.job")
def tell_dead(job: Handed) -> str:
    """Tell of a job that used up its attempts."""
    return f"Told {mishaps.of_dead_job(job.subject_id or 0, at=job.at)} people."


@handler("notices.tell_schedule", queue="general", on=(FAILED,), asked_by=("general",), about="jobs.schedule")
def tell_schedule(job: Handed) -> str:
    """Tell of what cannot run by the clock any more."""
    return f"Told {mishaps.of_schedule(job.subject_id or 0, at=job.at)} people."
