"""Runs one job that has been taken: calls its handler and writes down how it went."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django_q.exceptions import TimeoutException

from portal.jobs import registry, services, tracing
from portal.jobs.registry import Handed
from portal.kit.refusals import StaleTransition

logger = logging.getLogger(__name__)

_PAUSE = 0.25  # seconds between two tries to reach the ledger


def run(job: Handed, *, finish: Callable[[str], bool] | None = None) -> str:
    """How the attempt ended, in a few words. Whoever lost the fence meanwhile changes nothing and says `lost`.

    A StaleTransition is no error: the job was delivered twice, or a person was first. `finish` ends the job well in
    another way than the ledger's own.
    """
    taken_by = connection.connection
    try:
        result = registry.handler_of(job.kind).function(job)
    except StaleTransition as taken:
        result = f"already taken: {taken}"
    except (Exception, TimeoutException) as error:
        logger.exception("%s #%s failed in attempt %s", job.kind, job.id, job.attempt)
        return _failed(job, tracing.words_of(error), tracing.trace_of(error), taken_by)
    end = partial(finish, result) if finish else partial(services.finish, job.id, fence=job.fence, result=result)
    return result if _told(end) else "lost"


def _failed(job: Handed, error: str, trace: str, taken_by: object) -> str:
    """Gives the job back; that the connection by which it was taken is gone by now is no fault of the job."""
    verb = services.fail
    if not connection.in_atomic_block:  # as within a TestCase
        connection.close_if_unusable_or_obsolete()  # the error may have been the end of it, and must be recorded
        verb = services.fail if connection.connection is taken_by else services.interrupt
    return error if _told(partial(verb, job.id, fence=job.fence, error=error, trace=trace)) else "lost"


def _told(verb: Callable[[], bool]) -> bool:
    """What the ledger answers, also if it is away for a moment: until the lease is over nobody else has the job."""
    give_up_at = time.monotonic() + settings.Q_CLUSTER["lease"]
    while True:
        try:
            return verb()
        except (InterfaceError, OperationalError):
            if connection.in_atomic_block or time.monotonic() > give_up_at:
                raise
            connection.close()
            time.sleep(_PAUSE)
