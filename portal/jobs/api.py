"""Jobs by API, for those who look after them: queues and clusters, dead jobs, and what the pages do with these."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.jobs import mending, reading
from portal.jobs.models import Job
from portal.jobs.registry import QUEUES
from portal.jobs.states import State
from portal.kit.paging import page_of
from portal.kit.serializers import StrictSerializer, valid

LONGEST_KIND = 80


class JobListIn(StrictSerializer):
    """Which jobs."""

    state = serializers.ChoiceField([each.value for each in State], default=State.DEAD.value)
    queue = serializers.ChoiceField(QUEUES, required=False)
    kind = serializers.CharField(max_length=LONGEST_KIND, required=False, help_text="Like `execution.advance`.")
    after = serializers.CharField(max_length=1_000, default=None, help_text="A cursor: `next` or `previous` of a page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=50)


class KindIn(StrictSerializer):
    """A kind of job."""

    kind = serializers.CharField(max_length=LONGEST_KIND, help_text="Like `execution.advance`.")


class DiscardIn(StrictSerializer):
    """Why a job needs no further attempt."""

    reason = serializers.CharField(max_length=mending.LONGEST_REASON)


class SubjectShape(serializers.Serializer[Any]):
    """What a job is about."""

    name = serializers.CharField()
    path = serializers.CharField(help_text="Where it is on the site.")


class JobShape(serializers.Serializer[Any]):
    """One job. What it says is empty where its subject belongs to a category that you may not see."""

    id = serializers.IntegerField(source="job.pk")
    kind = serializers.CharField(source="job.kind")
    queue = serializers.ChoiceField(QUEUES, source="job.queue")
    state = serializers.ChoiceField([each.value for each in State], source="job.state")
    subject = SubjectShape(allow_null=True)
    attempts = serializers.IntegerField(source="job.attempts")
    max_attempts = serializers.IntegerField(source="job.max_attempts")
    enqueued_at = serializers.DateTimeField(source="job.enqueued_at")
    due_at = serializers.DateTimeField(source="job.due_at")
    started_at = serializers.DateTimeField(source="job.started_at", allow_null=True)
    finished_at = serializers.DateTimeField(source="job.finished_at", allow_null=True)
    error = serializers.CharField(help_text="Of the last attempt, whole.")
    trace = serializers.CharField(help_text="Where that came from: the calls, the innermost last, without secrets.")
    note = serializers.CharField(source="job.note", help_text="Who put it away, and why.")


class JobPage(serializers.Serializer[Any]):
    """Jobs, newest first; `next` and `previous` are cursors for `after`."""

    items = JobShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ClusterShape(serializers.Serializer[Any]):
    """One worker cluster."""

    host = serializers.CharField(source="beat.host")
    pid = serializers.IntegerField(source="beat.pid")
    alive = serializers.BooleanField(source="is_alive")
    silent_seconds = serializers.FloatField(help_text="Since its last sign of life.")
    age_seconds = serializers.FloatField()
    replaces = serializers.CharField(source="beat.replaces", help_text="Why it was started, if not from the beginning.")
    job = serializers.IntegerField(source="beat.job_id", allow_null=True, help_text="What it holds.")


class QueueShape(serializers.Serializer[Any]):
    """One queue. Counting stops at 1000."""

    queue = serializers.ChoiceField(QUEUES)
    due = serializers.IntegerField()
    later = serializers.IntegerField()
    running = serializers.IntegerField()
    dead = serializers.IntegerField()
    waits_since = serializers.DateTimeField(allow_null=True, help_text="Since when the oldest could have started.")
    clusters = ClusterShape(many=True)


class Retried(serializers.Serializer[Any]):
    """How many jobs wait again."""

    count = serializers.IntegerField()


class Jobs(APIView):
    """Jobs."""

    scopes = {"GET": Scope.JOBS_READ}
    refusals = {"GET": (422,)}

    @extend_schema(operation_id="jobs_list", parameters=[JobListIn], responses=JobPage)
    def get(self, request: Request) -> Response:
        """The jobs in one state, the dead ones unless you say otherwise, newest first."""
        person = person_of(request)
        mending.refuse_strangers(person)
        query = valid(JobListIn, request.query_params)
        found = reading.jobs(state=query["state"], queue=query.get("queue", ""), kind=query.get("kind", ""))
        page = page_of(found, order=["-id"], after=query["after"] or None, size=query["size"])
        answer = {"items": reading.rows(page.items, person), "next": page.next, "previous": page.previous}
        return Response(JobPage(answer).data)


class Queues(APIView):
    """Queues."""

    scopes = {"GET": Scope.JOBS_READ}

    @extend_schema(operation_id="queues_list", responses=QueueShape(many=True))
    def get(self, request: Request) -> Response:
        """What waits, runs and is dead in each queue, and whether its clusters are alive."""
        mending.refuse_strangers(person_of(request))
        return Response(QueueShape(reading.queues(), many=True).data)


class OneJob(APIView):
    """One job."""

    scopes = {"GET": Scope.JOBS_READ}

    @extend_schema(responses=JobShape)
    def get(self, request: Request, job_id: int) -> Response:
        """A job with the whole error of its last attempt."""
        return _answer(request, _found(request, job_id))


class Retry(APIView):
    """A dead job is tried again."""

    scopes = {"POST": Scope.JOBS_WRITE}
    refusals = {"POST": (409,)}

    @extend_schema(request=None, responses=JobShape)
    def post(self, request: Request, job_id: int) -> Response:
        """Give a dead job three more attempts. 409 if it is not dead, or if a newer one for the same work waits."""
        _found(request, job_id)
        return _answer(request, mending.retry(job_id, **_who(request)))


class RetryKind(APIView):
    """Dead jobs of a kind are tried again."""

    scopes = {"POST": Scope.JOBS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(operation_id="jobs_retry_kind", request=KindIn, responses=Retried)
    def post(self, request: Request) -> Response:
        """Give every dead job of one kind three more attempts, a thousand at most. 409 if none is dead."""
        kind = valid(KindIn, request.data)["kind"]
        return Response(Retried({"count": mending.retry_kind(kind, **_who(request))}).data)


class Discard(APIView):
    """A dead job is put away."""

    scopes = {"POST": Scope.JOBS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=DiscardIn, responses=JobShape)
    def post(self, request: Request, job_id: int) -> Response:
        """Say why a dead job needs no further attempt. It stays in the ledger."""
        reason = valid(DiscardIn, request.data)["reason"]
        _found(request, job_id)
        return _answer(request, mending.discard(job_id, reason=reason, **_who(request)))


def _found(request: Request, job_id: int) -> Job:
    """The job, for those who look after them; strangers do not learn which there are."""
    mending.refuse_strangers(person_of(request))
    return get_object_or_404(Job, pk=job_id)


def _who(request: Request) -> dict[str, Any]:
    return {"person": person_of(request), "door": "api", "at": timezone.now()}


def _answer(request: Request, job: Job) -> Response:
    (row,) = reading.rows([job], person_of(request))
    return Response(JobShape(row).data)
