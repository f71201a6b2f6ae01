"""The feedback API: one answer per person and ticket, which a second request edits."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from feedback import serializers
from feedback import services as feedback
from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.kit.serializers import valid
from remediation.tickets import services as tickets


class FeedbackGiven(APIView):
    """Feedback."""

    scopes = {"POST": Scope.FEEDBACK_WRITE}
    refusals = {"POST": (404, 409)}

    @extend_schema(
        request=serializers.FeedbackIn,
        responses={
            201: OpenApiResponse(serializers.FeedbackShape, "Your first answer about this ticket."),
            200: OpenApiResponse(serializers.FeedbackShape, "Your earlier answer, changed."),
        },
    )
    def post(self, request: Request) -> Response:
        """Say how a ticket went, or change what you said. Every field left out is set back."""
        body = valid(serializers.FeedbackIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, body["ticket_id"])
        answer = serializers.answer(body)
        given, is_new = feedback.give(person=person, ticket_id=ticket.pk, answer=answer, door="api", at=timezone.now())
        return Response(serializers.FeedbackShape(given).data, status=201 if is_new else 200)
