"""The run of a ticket by API: where it stands, its steps, and every button of its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import authenticated_at, person_of
from portal.access.models import Person, Scope
from portal.kit.paging import page_of
from portal.kit.serializers import valid
from portal.signoff.services import Ballot
from remediation.desk import run_shapes, serializers
from remediation.drafting import services as remediations
from remediation.execution import services as runs
from remediation.execution import showing
from remediation.execution.models import Run
from remediation.tickets import services as tickets


class RunDetail(APIView):
    """The newest run."""

    scopes = {"GET": Scope.TICKETS_READ}

    @extend_schema(responses=run_shapes.RunShape)
    def get(self, request: Request, ticket_id: str) -> Response:
        """Where the newest run stands, what can be done with it now, why not, and what that will do."""
        return _shown(request, ticket_id)


class RunSteps(APIView):
    """The steps of the newest run."""

    scopes = {"GET": Scope.TICKETS_READ}
    refusals = {"GET": (422,)}

    @extend_schema(parameters=[serializers.PageIn], responses=run_shapes.StepPage)
    def get(self, request: Request, ticket_id: str) -> Response:
        """The steps in order, each with what its plan says of it. What they said is in `remediation-logs`."""
        query = valid(serializers.PageIn, request.query_params)
        run = _run(person_of(request), ticket_id)
        page = page_of(run.steps.all(), order=["number"], after=query["after"] or None, size=query["size"])
        items = run_shapes.described(run, page.items)
        return Response(run_shapes.StepPage({"items": items, "next": page.next, "previous": page.previous}).data)


class _Verb(APIView):
    """What a person does with a run."""

    scopes = {"POST": Scope.RUNS_WRITE}
    refusals = {"POST": (409, 422)}


class Pause(_Verb):
    """Pauses."""

    @extend_schema(request=None, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Ask the worker to hold before its next write; the targets stay locked until somebody resumes the run."""
        return _do(request, ticket_id, runs.pause)


class StopAfterStep(_Verb):
    """Stops after a step."""

    @extend_schema(request=None, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Ask the worker to finish the step in hand and to begin no other; people then decide."""
        return _do(request, ticket_id, runs.stop_after_step)


class StopNow(_Verb):
    """Stops at once."""

    @extend_schema(request=None, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Ask the worker to write nothing more; what became of a write in flight is only looked at."""
        return _do(request, ticket_id, runs.stop_now)


class Resume(_Verb):
    """Runs that go on."""

    @extend_schema(request=None, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Let a paused run, or one that needed a person, go on; what is open is found out first."""
        return _do(request, ticket_id, runs.resume)


class RollBack(_Verb):
    """Rollbacks."""

    @extend_schema(request=None, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Undo what was done, the last step first; under an emergency stop this releases the rollback."""
        return _do(request, ticket_id, runs.roll_back)


class Retry(_Verb):
    """Second tries."""

    @extend_schema(request=run_shapes.StepIn, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Try a step again that failed or whose outcome nobody knows; its pre-flight looks first."""
        body = valid(run_shapes.StepIn, request.data)
        return _do(request, ticket_id, runs.retry, number=body["step"], reason=body["reason"])


class GiveUp(_Verb):
    """Runs that are given up."""

    @extend_schema(request=run_shapes.ReasonIn, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """End the run as failed, as its steps stand: nothing is undone, and its targets are free."""
        body = valid(run_shapes.ReasonIn, request.data)
        return _do(request, ticket_id, runs.give_up, reason=body["reason"])


class Skip(_Verb):
    """Questions whether to leave a step out."""

    @extend_schema(request=run_shapes.StepIn, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Ask that a step which has changed nothing be left out; somebody else signs that."""
        body = valid(run_shapes.StepIn, request.data)
        return _do(request, ticket_id, runs.ask_to_skip, number=body["step"], reason=body["reason"])


class SignSkip(_Verb):
    """Signatures that leave a step out."""

    scopes = {"POST": Scope.SIGNOFFS_WRITE}

    @extend_schema(request=run_shapes.SkipSignatureIn, responses=run_shapes.RunShape)
    def post(self, request: Request, ticket_id: str) -> Response:
        """Sign that a step is left out, as somebody else asked; the run waits until it is resumed."""
        body = valid(run_shapes.SkipSignatureIn, request.data)
        ballot = Ballot(
            comment=body["comment"], typed=body["confirm_ticket_id"], authenticated_at=authenticated_at(request)
        )
        return _do(request, ticket_id, runs.sign_skip, digest=body["digest"], ballot=ballot)


def _do(request: Request, ticket_id: str, verb: Callable[..., object], **what: Any) -> Response:
    person = person_of(request)
    verb(_run(person, ticket_id).pk, person=person, door="api", at=timezone.now(), **what)
    return _shown(request, ticket_id)


def _shown(request: Request, ticket_id: str) -> Response:
    person = person_of(request)
    standing = run_shapes.Standing(_run(person, ticket_id), person, timezone.now())
    return Response(run_shapes.RunShape(standing).data)


def _run(person: Person, ticket_id: str) -> Run:
    remediation = remediations.newest(tickets.find(person, ticket_id))
    run = showing.newest_run(remediation) if remediation else None
    if run is None:
        raise Http404
    return run
