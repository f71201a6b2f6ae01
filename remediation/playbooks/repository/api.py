"""The pull-request API: how the request of a ticket's role stands, a look at the repository, another attempt."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Person, Scope
from remediation.playbooks.repository import requests, showing
from remediation.playbooks.repository.showing import Board
from remediation.playbooks.repository.states import RequestStatus
from remediation.playbooks.repository.views import remediation_of
from remediation.tickets import services as tickets


class RequestCommentShape(serializers.Serializer[Any]):
    """What somebody said about it in the role repository."""

    author = serializers.CharField()
    text = serializers.CharField()
    place = serializers.CharField(help_text="File and line; empty where it is about the whole.")
    at = serializers.DateTimeField()


class PullRequestShape(serializers.Serializer[Any]):
    """A proven role on its way into the role repository."""

    status = serializers.ChoiceField(choices=[status.value for status in RequestStatus], source="request.status")
    detail = serializers.CharField(source="request.detail", help_text="What is in the way, in the repository's words.")
    next_step = serializers.CharField()
    role = serializers.CharField(source="request.role_name")
    role_digest = serializers.CharField(source="request.role_digest")
    proof_digest = serializers.CharField(source="request.proof_digest")
    branch = serializers.CharField(source="request.branch")
    head_commit = serializers.CharField(source="request.head_commit")
    folder = serializers.CharField(source="request.folder")
    url = serializers.CharField(source="request.url", help_text="Empty on a plain git remote.")
    has_diverged = serializers.BooleanField(
        source="request.has_diverged", help_text="The branch, or what was merged, is not what was proven."
    )
    merged_commit = serializers.CharField(source="request.merged_commit")
    merged_by = serializers.CharField(source="request.merged_by")
    merged_at = serializers.DateTimeField(source="request.merged_at", allow_null=True)
    opened_at = serializers.DateTimeField(source="request.opened_at", allow_null=True)
    checked_at = serializers.DateTimeField(source="request.checked_at", allow_null=True)
    checklist = serializers.ListField(child=serializers.CharField())
    comments = RequestCommentShape(many=True)


class PullRequestDetail(APIView):
    """The pull request of a ticket's role."""

    scopes = {"GET": Scope.TICKETS_READ}
    refusals = {"GET": (404,)}

    @extend_schema(responses=PullRequestShape)
    def get(self, request: Request, ticket_id: str) -> Response:
        """How it stands as it was last looked at; 404 where no role has been proven."""
        return _shown(person_of(request), ticket_id)


class LookAtRepository(APIView):
    """A fresh look at the role repository."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (404, 409)}

    @extend_schema(request=None, responses={202: PullRequestShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Look now instead of within the next minute; `checked_at` says in a moment that somebody did."""
        person = person_of(request)
        remediation = remediation_of(tickets.find(person, ticket_id))
        requests.look_now(remediation.pk, person=person, door="api", at=timezone.now())
        return _shown(person, ticket_id, status=202)


class AskAgain(APIView):
    """Another attempt."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (404, 409, 422)}

    @extend_schema(request=None, responses={202: PullRequestShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Ask again for a request that failed, was closed, or was merged as something else; the proof still holds."""
        person = person_of(request)
        remediation = remediation_of(tickets.find(person, ticket_id))
        requests.ask_again(remediation.pk, person=person, door="api", at=timezone.now())
        return _shown(person, ticket_id, status=202)


def _shown(person: Person, ticket_id: str, status: int = 200) -> Response:
    board: Board | None = showing.board_of(tickets.find(person, ticket_id), person)
    if board is None:
        raise Http404
    return Response(PullRequestShape(board).data, status=status)
