"""Runs one job that has been taken: calls its handler and writes down how it went."""

from __future__ import annotations

import logging

from django.db import connection
from django_q.exceptions import TimeoutException

from portal.jobs import registry, services
from portal.jobs.registry import Handed
from portal.kit.refusals import StaleTransition

logger = logging.getLogger(__name__)


def run(job: Handed) -> str:
    """How the attempt ended, in a few words. Whoever lost the fence meanwhile changes nothing and says `lost`.

    A StaleTransition is no error: the job was delivered twice, or a person was first.
    """
    try:
        result = registry.handler_of(job.kind).function(job)
    except StaleTransition as taken:
        result = f"already taken: {taken}"
    except (Exception, TimeoutException) as error:
        logger.exception("%s #%s failed in attempt %s", job.kind, job.id, job.attempt)
        described, rests = f"{type(error).__name__}: {error}", True
        if not connection.in_atomic_block:  # as within a TestCase
            connection.close_if_unusable_or_obsolete()  # the error may have been the end of it, and must be recorded
            rests = connection.connection is not None  # who was only cut off goes on at once
        return described if services.fail(job.id, fence=job.fence, error=described, rests=rests) else "lost"
    return result if services.finish(job.id, fence=job.fence, result=result) else "lost"
