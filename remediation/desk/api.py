"""The ticket API: translates requests into the services' verbs and joined reads into answers; it decides nothing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import authenticated_at, person_of
from portal.access.models import Person, Scope
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.kit.serializers import valid
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from remediation.desk import reads, serializers, shapes
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.review import services as reviews
from remediation.review import sheets
from remediation.review.models import Sheet
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import Idempotency

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")
WHERE_THE_PLAN_IS = "It stands in the ticket's `plan` (GET {link}): sign the text you read."


class TicketList(APIView):
    """Tickets."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.TICKETS_WRITE}
    refusals = {"GET": (422,), "POST": (409, 422)}

    @extend_schema(operation_id="tickets_list", parameters=[serializers.TicketListIn], responses=shapes.TicketPage)
    def get(self, request: Request) -> Response:
        """The tickets you may see, newest first."""
        query = valid(serializers.TicketListIn, request.query_params)
        page = reads.tickets(
            person_of(request), serializers.filters(query), after=query["after"] or None, size=query["size"]
        )
        return Response(shapes.TicketPage(page).data)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                type={"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
                location=OpenApiParameter.HEADER,
                description="Up to 200 printable ASCII characters. The same key and body again give the same answer.",
            )
        ],
        request=serializers.TicketIn,
        responses={
            201: OpenApiResponse(shapes.Accepted, "Accepted; a draft is on its way."),
            200: OpenApiResponse(shapes.Accepted, "The answer to an earlier request with this Idempotency-Key."),
        },
    )
    def post(self, request: Request) -> Response:
        """Open a ticket. Nothing changes if its `ticket_id` exists: 409 with a link to it."""
        new = serializers.new_ticket(valid(serializers.TicketIn, request.data))
        opened = tickets.open_ticket(
            opener=person_of(request), new=new, door="api", at=timezone.now(), idempotency=_idempotency(request)
        )
        answer = shapes.accepted(opened.ticket)
        headers = {"Location": shapes.path_of(opened.ticket)}
        return Response(answer, status=200 if opened.is_repeat else 201, headers=headers)


class TicketDetail(APIView):
    """One ticket."""

    scopes = {"GET": Scope.TICKETS_READ}

    @extend_schema(responses=shapes.TicketShape)
    def get(self, request: Request, ticket_id: str) -> Response:
        """A ticket with its evidence, draft, decision, plan and results. What is not known yet is null."""
        person = person_of(request)
        return Response(_read_by(person, tickets.find(person, ticket_id)))


class RemediationLogs(APIView):
    """What was done to the world."""

    scopes = {"GET": Scope.TICKETS_READ}
    refusals = {"GET": (422,)}

    @extend_schema(parameters=[serializers.LogIn], responses=shapes.LogPage)
    def get(self, request: Request, ticket_id: str) -> Response:
        """Everything that runs of this ticket did and saw, in order: who, what, when, output, outcome."""
        query = valid(serializers.LogIn, request.query_params)
        ticket = tickets.find(person_of(request), ticket_id)
        narrowed = serializers.narrowed(query)
        page = reads.outputs(ticket, narrowed, after=query["after"] or None, size=query["size"])
        return Response(shapes.LogPage(page).data)


class ApproveRemediation(APIView):
    """Sign-offs and rejections."""

    scopes = {"POST": Scope.SIGNOFFS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.ApprovalIn, responses={200: shapes.Standing})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Sign the plan you read, named by stage and digest; or, with `approve: false`, reject the draft."""
        body = valid(serializers.ApprovalIn, request.data)
        person = person_of(request)
        _refuse_mismatch(body, ticket_id, person)
        ticket = tickets.find(person, ticket_id)
        if not body["approve"]:
            remediation = remediation_of(ticket)
            reviews.reject(
                remediation.pk,
                reason=body["reason"],
                comment=body["comment"],
                person=person,
                door="api",
                at=timezone.now(),
            )
            return Response({"stage": None, "missing": []})
        signed = _sign(request, ticket, body, person)
        return Response({"stage": signed.stage, "missing": signed.missing})


class Revisions(APIView):
    """Edits of the draft."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.RevisionIn, responses={201: shapes.RevisionShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Save an edited draft as a new revision; 409 if `base_digest` is no longer the newest."""
        body = valid(serializers.RevisionIn, request.data)
        person = person_of(request)
        remediation = remediation_of(tickets.find(person, ticket_id))
        saved = reviews.revise(
            remediation.pk,
            draft=body["draft"],
            base_digest=body["base_digest"],
            person=person,
            door="api",
            at=timezone.now(),
        )
        return Response(shapes.revision(saved), status=201)


class Ticks(APIView):
    """The checklist of REVIEW notes."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.TickIn, responses={200: shapes.TicketShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Confirm a REVIEW note of the newest revision, or take the confirmation back."""
        body = valid(serializers.TickIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        reviews.tick(remediation_of(ticket).pk, **body, person=person, door="api", at=timezone.now())
        return shown(ticket)


class RequestChanges(APIView):
    """Objections that do not end the remediation."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.ChangesIn, responses={200: shapes.TicketShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Send the draft back, with comments on its places: nothing is signed until there is a new revision."""
        body = valid(serializers.ChangesIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        said = [reviews.Said(**remark) for remark in body.pop("remarks")]
        reviews.request_changes(
            remediation_of(ticket).pk, **body, said=said, person=person, door="api", at=timezone.now()
        )
        return shown(ticket)


class EvidenceList(APIView):
    """More evidence."""

    scopes = {"POST": Scope.TICKETS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.EvidenceListIn, responses={201: shapes.EvidenceAdded})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Add evidence to a ticket; the draft stays as it is until somebody asks for a new one."""
        body = valid(serializers.EvidenceListIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        new = serializers.new_evidence(body["evidence"])
        added = tickets.add_evidence(ticket.pk, new=new, person=person, door="api", at=timezone.now())
        return Response(shapes.EvidenceAdded({"evidence": added}).data, status=201)


class Redraft(APIView):
    """Another attempt of the drafter."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=None, responses={200: shapes.StatusShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Let the drafter try again, with all evidence there is now, after it failed or asked for a person."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        redrafted = remediations.redraft(remediation_of(ticket).pk, person=person, door="api", at=timezone.now())
        return Response(shapes.StatusShape(redrafted.ticket).data)


class FreshPlan(APIView):
    """A plan of today for a draft that stayed the same."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=None, responses={200: shapes.StatusShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Check the draft again and open a fresh plan, because the old one expired or the world changed."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        reviews.prepare_again(remediation_of(ticket).pk, person=person, door="api", at=timezone.now())
        ticket.refresh_from_db(fields=["status"])
        return Response(shapes.StatusShape(ticket).data)


class Close(APIView):
    """The end of a ticket."""

    scopes = {"POST": Scope.TICKETS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(request=serializers.ClosingIn, responses={200: shapes.StatusShape})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Close a ticket on which nothing is on its way any more, and say how it was resolved."""
        body = valid(serializers.ClosingIn, request.data)
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        closed = tickets.close(ticket.pk, person=person, door="api", at=timezone.now(), resolution=body["resolution"])
        return Response(shapes.StatusShape(closed).data)


def shown(ticket: Ticket) -> Response:
    """The ticket with everything about its newest remediation, as it stands now."""
    return Response(shapes.TicketShape(reads.details(ticket, at=timezone.now())).data)


def _idempotency(request: Request) -> Idempotency | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not IDEMPOTENCY_KEY.fullmatch(key):
        text = "Use 1 to 200 printable ASCII characters without spaces."
        raise Refused(because("invalid", text, "Idempotency-Key"))
    canonical = json.dumps(request.data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Idempotency(key, hashlib.sha256(canonical.encode()).hexdigest())


def remediation_of(ticket: Ticket) -> Remediation:
    """The newest remediation; StaleTransition where drafting has not begun."""
    remediation = remediations.newest(ticket)
    if remediation is None:
        raise StaleTransition(because("not_begun", f"Nothing has been drafted for {ticket.key} yet."))
    return remediation


def _refuse_mismatch(body: Mapping[str, Any], ticket_id: str, person: Person) -> None:
    if body.get("ticket_id", ticket_id) != ticket_id:
        text = f"The body speaks of {body['ticket_id']}, the path of {ticket_id}."
        raise Refused(because("mismatch", text, "ticket_id"))
    if body.get("approver", person.username) != person.username:
        text = f"This is the token of {person.username}; nobody signs for somebody else."
        raise NotAllowed(because("foreign_approver", text, "approver"))


def _read_by(person: Person, ticket: Ticket) -> dict[str, Any]:
    """The ticket's document. What somebody who may sign is shown of the plan is kept, under the digest `sheet`."""
    at = timezone.now()
    details = reads.details(ticket, at=at)
    document: dict[str, Any] = shapes.TicketShape(details).data
    if details.plan and sheets.is_for(person, details.plan, at=at):
        text = sheets.document_of(document["plan"])
        document["plan"]["sheet"] = sheets.keep(details.plan, text, kind=Sheet.Kind.API, at=at)
    return document


def _sheet(plan: Plan, ticket: Ticket, body: Mapping[str, Any], person: Person) -> str:
    """The sheet that the caller names, else the plan as it stands."""
    if body["sheet"]:
        return str(body["sheet"])
    shown = _read_by(person, ticket)["plan"]
    return str(shown["sheet"] or "") if shown and shown["digest"] == plan.digest else ""


def _sign(request: Request, ticket: Ticket, body: Mapping[str, Any], person: Person) -> reviews.Signed:
    where = WHERE_THE_PLAN_IS.format(link=shapes.path_of(ticket))
    absent = [name for name in ("stage", "digest") if name not in body]
    if absent:
        reasons = (because("required", f"Name the plan's {name}. {where}", name) for name in absent)
        raise Refused(*reasons, link=shapes.path_of(ticket))
    plan = reads.newest_plan(ticket, body["stage"])
    if plan is None:
        text = f"There is no {body['stage']} plan to sign. {where}"
        raise StaleTransition(because("no_plan", text, "stage"), link=shapes.path_of(ticket))
    return reviews.sign(
        plan.pk,
        digest=body["digest"],
        stage=body["stage"],
        person=person,
        ballot=Ballot(
            comment=body["comment"],
            typed=body["confirm_ticket_id"],
            authenticated_at=authenticated_at(request),
            runs_from=body["runs_from"],
            runs_until=body["runs_until"],
            delegation_id=body["delegation"],
            sheet=_sheet(plan, ticket, body, person),
        ),
        door="api",
        at=timezone.now(),
    )
