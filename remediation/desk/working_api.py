"""The ticket API around a review: take it, release it, cut a step, look again, withdraw a signature."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.kit.serializers import valid
from remediation.desk import review_shapes, serializers, shapes
from remediation.desk.api import remediation_of, shown
from remediation.drafting import services as remediations
from remediation.execution import services as runs
from remediation.review import services as reviews
from remediation.tickets import services as tickets


class Taken(APIView):
    """Who is on it."""

    scopes = {"POST": Scope.REVIEWS_WRITE, "DELETE": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409,), "DELETE": (409,)}

    @extend_schema(request=None, responses={200: shapes.TicketShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Be on it for the next half hour: others see that, and are kept from nothing."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        reviews.take(remediation_of(ticket).pk, person=person, door="api", at=timezone.now())
        return shown(ticket)

    @extend_schema(responses={200: shapes.TicketShape})
    def delete(self, request: Request, ticket_id: str) -> Response:
        """Leave it to others."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        reviews.release(remediation_of(ticket).pk, person=person, door="api", at=timezone.now())
        return shown(ticket)


class Cut(APIView):
    """Steps that are out of scope."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.CutIn, responses={201: shapes.RevisionShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Cut one step. That is an edit: whoever cuts becomes a maker, who cannot sign."""
        body = valid(serializers.CutIn, request.data)
        person = person_of(request)
        remediation = remediation_of(tickets.find(person, ticket_id))
        saved = reviews.cut(
            remediation.pk,
            number=body["step"],
            base_digest=body["base_digest"],
            person=person,
            door="api",
            at=timezone.now(),
        )
        return Response(shapes.revision(saved), status=201)


class Comments(APIView):
    """Comments at places of the draft."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(operation_id="ticket_comments_list", responses=review_shapes.CommentList)
    def get(self, request: Request, ticket_id: str) -> Response:
        """What was said about lines of the draft and of its role, without objecting to it."""
        remediation = remediations.newest(tickets.find(person_of(request), ticket_id))
        said = reviews.comments_of(remediation) if remediation else ()
        return Response(review_shapes.CommentList({"items": said}).data)

    @extend_schema(request=serializers.CommentsIn, responses={201: review_shapes.CommentList})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Say something about places of the revision you read. It voids nothing and asks for nothing."""
        body, person = valid(serializers.CommentsIn, request.data), person_of(request)
        remediation = remediation_of(tickets.find(person, ticket_id))
        said = [reviews.Said(**each) for each in body["comments"]]
        kept = reviews.comment(
            remediation.pk, said=said, digest=body["digest"], person=person, door="api", at=timezone.now()
        )
        return Response(review_shapes.CommentList({"items": kept}).data, status=201)


class LookAgain(APIView):
    """A fresh look at the targets."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=None, responses={202: shapes.StatusShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Ask the pre-flights of the plan again; what they show becomes evidence of the ticket in a moment."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        reviews.look_again(remediation_of(ticket).pk, person=person, door="api", at=timezone.now())
        return Response(shapes.StatusShape(ticket).data, status=202)


class Rehearse(APIView):
    """Ways back, rehearsed in the lab."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.RehearsalIn, responses={202: shapes.StatusShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Have workers do and undo the open rollout plan in the lab; `plan.rehearsed` says in a moment how it went."""
        body = valid(serializers.RehearsalIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        remediation, digest = remediation_of(ticket), body["digest"]
        runs.ask_to_rehearse(remediation.pk, digest=digest, person=person, door="api", at=timezone.now())
        return Response(shapes.StatusShape(ticket).data, status=202)


class Prove(APIView):
    """Canary proofs of roles."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=None, responses={202: shapes.StatusShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Have a proof that could not be made tried again; the remediation is `proven` in a moment if it holds."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        reviews.prove_again(remediation_of(ticket).pk, person=person, door="api", at=timezone.now())
        return Response(shapes.StatusShape(ticket).data, status=202)


class Withdraw(APIView):
    """Signatures taken back."""

    scopes = {"POST": Scope.SIGNOFFS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.WithdrawalIn, responses={200: shapes.TicketShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Take back your signature while no run has claimed the plan: everything that was signed is void."""
        body = valid(serializers.WithdrawalIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        reviews.withdraw(remediation_of(ticket).pk, reason=body["reason"], person=person, door="api", at=timezone.now())
        ticket.refresh_from_db(fields=["status"])
        return shown(ticket)
