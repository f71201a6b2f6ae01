"""Timelines by API: kept, read from notes, told by a run; and the role that is drafted from one."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.kit.serializers import valid
from remediation.desk import serializers, shapes
from remediation.desk.review_shapes import Shape
from remediation.drafting import services as remediations
from remediation.execution import retelling
from remediation.tickets import services as tickets
from remediation.tickets.models import Timeline


class MomentShape(Shape):
    """One entry of a timeline; `at` is null where notes named no time."""

    at = drf.DateTimeField(allow_null=True)
    text = drf.CharField()
    by = drf.CharField()
    host = drf.CharField()
    command = drf.CharField()
    output = drf.CharField()


class ToldShape(Shape):
    """A timeline that nobody has kept yet: correct it, and send it."""

    entries = MomentShape(many=True)
    symptom = drf.CharField()
    root_cause = drf.CharField()


class KeptShape(ToldShape):
    """A timeline as it is kept, with the evidence that its entries became."""

    source = drf.ChoiceField(Timeline.Source.choices)  # type: ignore[assignment]  # a field of the answer
    digest = drf.CharField()
    kept_by = drf.CharField()
    kept_at = drf.DateTimeField()
    refs = drf.ListField(child=drf.CharField())


class TimelineDetail(APIView):
    """The timeline of an incident."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.TICKETS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(responses=KeptShape)
    def get(self, request: Request, ticket_id: str) -> Response:
        """The timeline that counts: the one kept last."""
        kept = tickets.timeline_of(tickets.find(person_of(request), ticket_id))
        if kept is None:
            raise Http404
        return Response(_kept(kept))

    @extend_schema(request=serializers.KeptIn, responses={201: KeptShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Keep a timeline; every entry becomes evidence. A later one takes the place of an earlier one."""
        body = valid(serializers.KeptIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        told = serializers.told(body, body["entries"])
        source = Timeline.Source.API
        kept = tickets.keep_timeline(ticket.pk, told=told, source=source, person=person, door="api", at=timezone.now())
        return Response(_kept(kept), status=201)


class ReadNotes(APIView):
    """Notes, read."""

    scopes = {"POST": Scope.TICKETS_WRITE}
    refusals = {"POST": (422,)}

    @extend_schema(request=serializers.NotesIn, responses={200: ToldShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """What the notes of an incident say, as a timeline to correct. Nothing is kept."""
        body = valid(serializers.NotesIn, request.data)
        tickets.find(person_of(request), ticket_id)
        return Response(ToldShape(tickets.read_notes(body["text"], day=body["day"])).data)


class RunAsTimeline(APIView):
    """A run, told."""

    scopes = {"GET": Scope.TICKETS_READ}
    refusals = {"GET": (409,)}

    @extend_schema(responses={200: ToldShape})
    def get(self, request: Request, ticket_id: str) -> Response:
        """The last run that came to its end, as a timeline to correct. Nothing is kept."""
        ticket = tickets.find(person_of(request), ticket_id)
        return Response(ToldShape(retelling.timeline_of(retelling.required(ticket))).data)


class DraftRole(APIView):
    """A role."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=None, responses={200: shapes.StatusShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Have an Ansible role drafted from the timeline, in a remediation of its own where the last one ended."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        asked = remediations.draft_role(ticket.pk, person=person, door="api", at=timezone.now())
        return Response(shapes.StatusShape(asked.ticket).data)


def _kept(kept: Timeline) -> dict[str, Any]:
    told = kept.told
    said = {name: getattr(kept, name) for name in ("source", "digest", "kept_by", "kept_at")}
    refs = [piece.ref for piece in kept.pieces.order_by("number")]
    shape = KeptShape(
        {**said, "entries": told.entries, "symptom": told.symptom, "root_cause": told.root_cause, "refs": refs}
    )
    return dict(shape.data)
