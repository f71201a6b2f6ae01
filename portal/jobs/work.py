"""Runs one job that has been taken: calls its handler and writes down how it went."""

from __future__ import annotations

import logging

from django.db import close_old_connections
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
        close_old_connections()  # the error may have broken the connection on which it is to be recorded
        described = f"{type(error).__name__}: {error}"
        return described if services.fail(job.id, fence=job.fence, error=described) else "lost"
    return result if services.finish(job.id, fence=job.fence, result=result) else "lost"
