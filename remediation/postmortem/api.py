"""The postmortem API: translates requests into the room's verbs and rows into answers; it decides nothing."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.kit.serializers import valid
from remediation.postmortem import listing, services, shapes
from remediation.tickets import services as tickets


class PostmortemList(APIView):
    """Postmortems."""

    scopes = {"GET": Scope.TICKETS_READ}
    refusals = {"GET": (422,)}

    @extend_schema(operation_id="postmortems_list", parameters=[shapes.ListIn], responses=shapes.Page)
    def get(self, request: Request) -> Response:
        """The postmortems of the categories you may see, newest first."""
        query = valid(shapes.ListIn, request.query_params)
        page = listing.postmortems(person_of(request), after=query["after"] or None, size=query["size"])
        return Response(shapes.Page(page).data)


class PostmortemDetail(APIView):
    """One ticket's postmortem."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.FEEDBACK_WRITE}
    refusals = {"GET": (404, 422), "POST": (404, 409, 422)}

    @extend_schema(parameters=[shapes.ReadIn], responses=shapes.VersionShape)
    def get(self, request: Request, ticket_id: str) -> Response:
        """A version as Markdown: the newest, or the one you name."""
        query = valid(shapes.ReadIn, request.query_params)
        ticket = tickets.find(person_of(request), ticket_id)
        return Response(shapes.VersionShape(listing.version_of(ticket, query["version"])).data)

    @extend_schema(request=None, responses={201: shapes.VersionShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Draft it from the record as it stands, as the next version; 422 where the newest says the same."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        version = services.draft(ticket.pk, person=person, door="api", at=timezone.now())
        return Response(shapes.VersionShape(version).data, status=201)


class PostmortemVersions(APIView):
    """The versions of a postmortem."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.FEEDBACK_WRITE}
    refusals = {"GET": (404, 422), "POST": (404, 409, 422)}

    @extend_schema(
        operation_id="postmortem_versions_list", parameters=[shapes.VersionsIn], responses=shapes.VersionPage
    )
    def get(self, request: Request, ticket_id: str) -> Response:
        """Who wrote which version when, newest first."""
        query = valid(shapes.VersionsIn, request.query_params)
        ticket = tickets.find(person_of(request), ticket_id)
        page = listing.versions(ticket, after=query["after"] or None, size=query["size"])
        return Response(shapes.VersionPage(page).data)

    @extend_schema(request=shapes.EditIn, responses={201: shapes.VersionShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Save your text as the next version; 409 if somebody saved another since the one you read."""
        body, person = valid(shapes.EditIn, request.data), person_of(request)
        ticket = tickets.find(person, ticket_id)
        version = services.edit(
            ticket.pk, text=body["text"], base=body["base"], person=person, door="api", at=timezone.now()
        )
        return Response(shapes.VersionShape(version).data, status=201)
