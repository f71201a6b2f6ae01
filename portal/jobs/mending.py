"""What people do with dead jobs once they know why: try again, one or all of a kind, or put away with a reason."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import services
from portal.jobs.models import Job
from portal.jobs.states import NEXT, State
from portal.kit.actors import Door, Ref
from portal.kit.moving import move
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.kit.visible import is_blank

LOOKS = "jobs.view_job"
MENDS = "jobs.change_job"
AT_ONCE = 1000
LONGEST_REASON = 500


def refuse_strangers(person: Person) -> None:
    """Raise NotAllowed for whoever does not look after the jobs."""
    _require(person, LOOKS)


def retry(job_id: int, *, person: Person, door: Door, at: datetime) -> Job:
    """Give a dead job a new set of attempts. Raises StaleTransition if it is not dead, or if a newer one waits."""
    _require(person, MENDS)
    with transaction.atomic():
        job = _dead(job_id)
        if Job.objects.filter(_waits_already(), pk=job.pk).exists():
            raise StaleTransition(because("waits_already", f"A newer job with the key of {job} is waiting already."))
        move(job, State.WAITING, next_states=NEXT, column="state", attempts=0, due_at=at, finished_at=None)
        audit.record("job.retried", actor=person.at(door), at=at, subject=_ref(job), data={"error": job.error})
        services.announce(job.queue)
    return job


def retry_kind(kind: str, *, person: Person, door: Door, at: datetime) -> int:
    """The same for the dead jobs of one kind, a thousand at most; returns how many wait again.

    Of several with the same key the newest is tried again, for it does the work of all; the others stay.
    """
    _require(person, MENDS)
    with transaction.atomic():
        dead = Job.objects.select_for_update(skip_locked=True).filter(kind=kind, state=State.DEAD)
        jobs = _newest_per_key(list(dead.filter(~_waits_already()).order_by("-id")[:AT_ONCE]))
        if not jobs:
            raise StaleTransition(because("none_dead", f"No dead job of kind {kind} is left to try again."))
        ids = [job.pk for job in jobs]
        try:
            with transaction.atomic():
                Job.objects.filter(pk__in=ids).update(state=State.WAITING, attempts=0, due_at=at, finished_at=None)
        except IntegrityError as taken:
            raise StaleTransition(because("busy_key", f"Somebody asks for {kind} just now; try again.")) from taken
        for job in jobs:
            audit.record("job.retried", actor=person.at(door), at=at, subject=_ref(job), data={"error": job.error})
        services.announce(jobs[0].queue)
    return len(jobs)


def discard(job_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> Job:
    """Put a dead job away for good, and say why; it stays in the ledger."""
    _require(person, MENDS)
    said = reason.strip()
    if is_blank(said) or "\x00" in said or len(said) > LONGEST_REASON:
        raise Refused(because("reason", f"Say why, in at most {LONGEST_REASON} characters.", "reason"))
    with transaction.atomic():
        job = _dead(job_id)
        move(job, State.DISCARDED, next_states=NEXT, column="state", note=f"{person}: {said}", finished_at=at)
        data = {"reason": said, "error": job.error}
        audit.record("job.discarded", actor=person.at(door), at=at, subject=_ref(job), data=data)
    return job


def _require(person: Person, permission: str) -> None:
    if not person.has_perm(permission):
        raise NotAllowed(because("operate", "Operators and policy admins look after the jobs."))


def _dead(job_id: int) -> Job:
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state != State.DEAD:
        raise StaleTransition(because("not_dead", f"{job} is {job.state} by now: somebody was first."))
    return job


def _waits_already() -> Exists:
    return Exists(Job.objects.filter(kind=OuterRef("kind"), key=OuterRef("key"), state=State.WAITING))


def _newest_per_key(jobs: list[Job]) -> list[Job]:
    """Jobs, newest first, without those that have a newer one with the same key among them."""
    newest = {job.key: job for job in reversed(jobs) if job.key is not None}
    return [job for job in jobs if job.key is None or newest[job.key] is job]


def _ref(job: Job) -> Ref:
    return Ref("jobs.job", job.pk, str(job))
