"""The verbs of the job ledger: enqueue and publish for every room; take, renew, finish and fail for the workers.

Enqueueing inside the caller's transaction makes the ledger a transactional outbox. Leases are compared by the
database's clock alone. Delivery is at least once: attempts are counted in the take, before the work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from portal.jobs import registry
from portal.jobs.models import Job
from portal.jobs.registry import Handed, Handler
from portal.jobs.states import State, backoff_seconds
from portal.kit import statements
from portal.kit.refusals import StaleTransition, because

DIED = "job.died"
"""The event that a job has used up its attempts."""
_LONGEST_TEXT = 4000  # of a result or an error that the ledger keeps
_FORGIVEN = 20  # attempts that do not count against a job, so that one which ends its own connections is dead some day


# Written out, because the workers ask nothing so often. Keys are looked at in the take itself: of one kind and key only
# one job may run at a time.
_DUE = """
SELECT id FROM jobs_job waiting
WHERE queue = %s AND state = 'waiting' AND due_at <= statement_timestamp()
  AND NOT EXISTS (SELECT FROM jobs_job running
                  WHERE running.kind = waiting.kind AND running.key = waiting.key AND running.state = 'running')
ORDER BY due_at, id LIMIT %s
"""
_DUE_FIRST = """
due AS MATERIALIZED (
    SELECT id FROM jobs_job waiting
    WHERE queue = %(queue)s AND state = 'waiting' AND due_at <= coalesce(%(due_by)s::timestamptz, statement_timestamp())
      AND NOT EXISTS (SELECT FROM jobs_job running
                      WHERE running.kind = waiting.kind AND running.key = waiting.key AND running.state = 'running')
    ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
"""
_LEASE = """
UPDATE jobs_job SET state = 'running', attempts = attempts + 1, fence = fence + 1, started_at = clock_timestamp(),
                    leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM due WHERE jobs_job.id = due.id
RETURNING jobs_job.id, kind, subject_id, payload, attempts, fence, started_at
"""
_TAKE = f"WITH {_DUE_FIRST} {_LEASE}"
_IS_HELD = """
SELECT leased_until > statement_timestamp() + make_interval(secs => %s) FROM jobs_job
WHERE id = %s AND fence = %s AND state = 'running'
"""
_FINISH = """
UPDATE jobs_job SET state = 'done', result = %(result)s, error = '', trace = '', finished_at = statement_timestamp(),
                    leased_until = NULL
WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
"""
_FINISH_AND_TAKE = f"""
WITH ended AS ({_FINISH} RETURNING id), {_DUE_FIRST}, taken AS ({_LEASE})
SELECT EXISTS (SELECT FROM ended), taken.* FROM (VALUES (1)) AS once LEFT JOIN taken ON true
"""  # noqa: S608 - texts of our own


def channel(queue: str) -> str:
    """The channel on which PostgreSQL announces work for a queue."""
    return f"jobs_{queue}"


def enqueue(
    kind: str,
    *,
    at: datetime,
    subject_id: int | None = None,
    payload: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    key: str | None = None,
) -> Job:
    """Asks for a job in the caller's transaction; it starts milliseconds after the commit, or when it is due.

    If a job of this kind and key is waiting already, that one is returned as it is. One that runs does not count: it
    may have read its data before this request. Raises registry.UnknownKind.
    """
    job = Job(
        queue=registry.handler_of(kind).queue,
        kind=kind,
        subject_id=subject_id,
        payload=dict(payload or {}),
        key=key,
        due_at=due_at or at,
        enqueued_at=at,
    )
    if key is not None:
        return _join(job)
    announce(statements.insert(job).queue)
    return job


def hasten(kind: str, *, key: str, at: datetime) -> bool:
    """Has the job that waits under this key start now instead of later; False where none waits for its time."""
    waiting = Job.objects.filter(kind=kind, key=key, state=State.WAITING, due_at__gt=at)
    if not waiting.update(due_at=at):
        return False
    announce(registry.handler_of(kind).queue)
    return True


def hasten_waiting_for(what: str, *, queue: str, at: datetime) -> int:
    """Has every job of a queue that said it waits for this (`waits_for` of its payload) start now; how many did."""
    waiting = Job.objects.filter(queue=queue, state=State.WAITING, due_at__gt=at)
    found = waiting.filter(payload__waits_for__contains=[what]).update(due_at=at)
    if found:
        announce(queue)
    return found


def publish(event: str, *, subject_id: int, at: datetime, payload: Mapping[str, Any] | None = None) -> None:
    """Tells the subscribed handlers that something happened: one job for each, in the caller's transaction."""
    if jobs := to_publish(event, subject_id=subject_id, at=at, payload=payload):
        statements.insert_together(jobs)


def to_publish(event: str, *, subject_id: int, at: datetime, payload: Mapping[str, Any] | None = None) -> list[Job]:
    """The same jobs, to be added by the statement that makes the change; they are announced when that is committed."""
    jobs = []
    for each in registry.subscribers(event):
        announce(each.queue)
        if each.gather_seconds:
            jobs.append(_gathering(each, at))
        else:
            job = Job(queue=each.queue, kind=each.kind, subject_id=subject_id, due_at=at, enqueued_at=at)
            job.payload = dict(payload or {})
            jobs.append(job)
    return jobs


def _gathering(handler: Handler, at: datetime) -> Job:
    """The job for everything that happens in this span; it waits for one more, so that who asked has committed."""
    span = handler.gather_seconds
    due_at = datetime.fromtimestamp((at.timestamp() // span + 2) * span, tz=UTC)
    return Job(queue=handler.queue, kind=handler.kind, key=due_at.isoformat(), due_at=due_at, enqueued_at=at)


def due(queue: str, *, limit: int) -> list[int]:
    """Ids of the jobs that could start now, oldest first. Somebody else may take them meanwhile."""
    with statements.cursor() as cursor:
        cursor.execute(_DUE, [queue, limit])
        return [job_id for (job_id,) in cursor.fetchall()]


def take(queue: str, *, limit: int, lease_seconds: float, due_by: datetime | None = None) -> list[Handed]:
    """Leases up to `limit` due jobs, oldest first, counting the attempt and moving the fence in the same statement.

    `due_by` replaces the database's clock for what is due, never for the lease.
    """
    with statements.cursor() as cursor:
        try:
            cursor.execute(_TAKE, {"queue": queue, "limit": limit, "lease": lease_seconds, "due_by": due_by})
        except IntegrityError:  # somebody took another job of the same key between our look and our write
            return []
        rows = sorted(cursor.fetchall())
    return [_handed(row, lease_seconds) for row in rows]


def renew(job_id: int, *, fence: int, lease_seconds: float) -> bool:
    """Holds the lease for another term; False when the fence has moved on."""
    until = Now() + timedelta(seconds=lease_seconds)
    return bool(_held(job_id, fence).update(leased_until=until))


def hold(job_id: int, *, fence: int, lease_seconds: float) -> bool:
    """Whether the lease goes on for half a term at least; it is renewed where less is left. False as above."""
    with statements.cursor() as cursor:
        cursor.execute(_IS_HELD, [lease_seconds / 2, job_id, fence])
        found = cursor.fetchone()
    return found is not None and (found[0] or renew(job_id, fence=fence, lease_seconds=lease_seconds))


def come_further(job_id: int, *, fence: int) -> bool:
    """Part of the work is done for good: earlier attempts do not count against what is left of it.

    So a long job is not dead because its workers happened to be killed three times, and one that kills them is.
    """
    return bool(_held(job_id, fence).filter(attempts__gt=1).update(attempts=1))


def finish(job_id: int, *, fence: int, result: str) -> bool:
    """Ends a job well; False when the fence has moved on, and then nothing changes."""
    with statements.cursor() as cursor:
        cursor.execute(_FINISH, {"result": _storable(result), "id": job_id, "fence": fence})
        return bool(cursor.rowcount)


def finish_and_take(
    job_id: int, *, fence: int, result: str, queue: str, lease_seconds: float
) -> tuple[bool, Handed | None]:
    """Ends a job as `finish` does, and leases the next one of the queue as `take` does, in one statement.

    A job that waits for this one, under the same key, is none of those that can be taken here.
    """
    values: dict[str, str | int | float | None] = {"result": _storable(result), "id": job_id, "fence": fence}
    values |= {"queue": queue, "limit": 1, "lease": lease_seconds, "due_by": None}
    with statements.cursor() as cursor:
        try:
            cursor.execute(_FINISH_AND_TAKE, values)
        except IntegrityError:  # as above
            return finish(job_id, fence=fence, result=result), None
        is_ended, *row = cursor.fetchone()
    return is_ended, _handed(tuple(row), lease_seconds) if row[0] else None


def fail(job_id: int, *, fence: int, error: str, trace: str = "") -> bool:
    """Gives a job back after an error: it waits out its backoff, or is dead after its last attempt.

    False when the fence has moved on, and then nothing changes.
    """
    with transaction.atomic():
        job = _held(job_id, fence).select_for_update().first()
        if job is None:
            return False
        _give_back(job, error=error, trace=trace, rest=timedelta(seconds=backoff_seconds(job.attempts)))
    return True


def interrupt(job_id: int, *, fence: int, error: str, trace: str = "") -> bool:
    """Gives a job back whose worker was cut off from the database: at once, and the attempt does not count.

    False when the fence has moved on, and then nothing changes.
    """
    with transaction.atomic():
        job = _held(job_id, fence).select_for_update().first()
        if job is None:
            return False
        if job.fence - job.attempts < _FORGIVEN:
            job.attempts -= 1
        _give_back(job, error=error, trace=trace)
    return True


def revive(job_id: int, *, fence: int) -> bool:
    """Gives back the job of a worker that is known to be dead; False when it does not hold it any more."""
    with transaction.atomic():
        job = _held(job_id, fence).select_for_update().first()
        if job is None:
            return False
        _give_back(job, error=_lost_its_worker(job))
    return True


def revive_lost(queue: str) -> int:
    """Gives back the jobs whose lease ran out because their worker died; returns how many."""
    with transaction.atomic():
        lost = Job.objects.select_for_update(skip_locked=True).filter(
            queue=queue, state=State.RUNNING, leased_until__lt=Now()
        )
        jobs = list(lost[:100])
        for job in jobs:
            _give_back(job, error=_lost_its_worker(job))
    return len(jobs)


def forget_done(*, before: datetime, limit: int = 1000) -> int:
    """Removes finished jobs older than `before`, a batch at a time; dead ones stay until a person has seen to them."""
    old = Job.objects.filter(state=State.DONE, finished_at__lt=before).order_by("finished_at").values("pk")[:limit]
    return Job.objects.filter(pk__in=old).delete()[0]


def _join(job: Job) -> Job:
    """The job that waits under the same key, else this one.

    The waiting one stays locked until the caller commits: no worker starts it before it can see what the caller wrote.
    """
    with transaction.atomic():
        for _ in range(3):  # between look and write somebody may enqueue the same, and a worker may take that at once
            waiting = Job.objects.select_for_update().filter(kind=job.kind, key=job.key, state=State.WAITING).first()
            if waiting:
                return waiting
            try:
                with transaction.atomic():
                    job.save(force_insert=True)
            except IntegrityError:
                continue
            announce(job.queue)
            return job
    raise StaleTransition(because("busy_key", f"Others keep enqueueing {job.kind} {job.key}; try again."))


def announce(queue: str) -> None:
    """NOTIFY once, after the commit: within the transaction, notifications would make the commits of all take turns."""
    notify = _notifier(queue)
    if all(waiting is not notify for _, waiting, *_ in connection.run_on_commit):
        transaction.on_commit(notify, robust=True)


@cache
def _notifier(queue: str) -> Callable[[], None]:
    """The same function whenever it is asked for, so that it is recognised."""
    return partial(_notify, queue)


def _notify(queue: str) -> None:
    with statements.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [channel(queue)])


def _handed(row: tuple[Any, ...], lease_seconds: float) -> Handed:
    job_id, kind, subject_id, payload, attempts, fence, started_at = row
    return Handed(
        id=job_id,
        kind=kind,
        subject_id=subject_id,
        payload=json.loads(payload),
        attempt=attempts,
        fence=fence,
        at=started_at,
        renew=partial(renew, job_id, fence=fence, lease_seconds=lease_seconds),
        holds=partial(hold, job_id, fence=fence, lease_seconds=lease_seconds),
        came_further=partial(come_further, job_id, fence=fence) if attempts > 1 else _as_it_is,
    )


def _as_it_is() -> bool:
    """The first attempt has none before it."""
    return False


def _held(job_id: int, fence: int) -> QuerySet[Job]:
    return Job.objects.filter(pk=job_id, fence=fence, state=State.RUNNING)


def _lost_its_worker(job: Job) -> str:
    return f"Attempt {job.attempts} lost its worker."


def _give_back(job: Job, *, error: str, trace: str = "", rest: timedelta | None = None) -> None:
    """Moves a running job that its caller has locked to where a failed attempt leads.

    Without a rest it keeps the time from which it was due, and so goes before everything that came after it.
    """
    change: dict[str, Any] = {"leased_until": None, "attempts": job.attempts}
    change |= {"error": _storable(error), "trace": trace.replace("\x00", "\ufffd")}
    if _another_waits(job):
        change |= {"state": State.DONE, "finished_at": Now(), "result": "left to the job that waits under the same key"}
    elif job.attempts >= job.max_attempts:
        change |= {"state": State.DEAD, "finished_at": Now()}
        _tell_of(job)
    else:
        change |= {"state": State.WAITING, **({"due_at": Now() + rest} if rest else {})}
        announce(job.queue)
    Job.objects.filter(pk=job.pk).update(**change)


def _tell_of(dead: Job) -> None:
    """A job that tells of dead ones and dies itself is not told of: nobody could hear it."""
    if dead.kind not in {each.kind for each in registry.subscribers(DIED)}:
        publish(DIED, subject_id=dead.pk, at=dead.started_at or dead.enqueued_at)


def _another_waits(job: Job) -> bool:
    return job.key is not None and Job.objects.filter(kind=job.kind, key=job.key, state=State.WAITING).exists()


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd")[:_LONGEST_TEXT]
