"""The certificates API: translates requests into the room's verbs and rows into answers; it decides nothing."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from patterns.models import Pattern
from portal.access import grants
from portal.access.authentication import person_of
from portal.access.models import Person, Scope
from portal.kit.serializers import valid
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate
from portal.signoff.services import Ballot
from remediation.autonomy import asking, listing, presenting, shapes
from remediation.autonomy.fixes import Fix
from remediation.autonomy.listing import State
from remediation.policy import certified
from remediation.policy.evidence import Evidence


class CertificateList(APIView):
    """Certificates."""

    scopes = {"GET": Scope.STATS_READ, "POST": Scope.SIGNOFFS_WRITE}
    refusals = {"GET": (422,), "POST": (404, 409, 422)}

    @extend_schema(
        operation_id="certificates_list", parameters=[shapes.CertificateListIn], responses=shapes.CertificatePage
    )
    def get(self, request: Request) -> Response:
        """The certificates of the categories you may see, the newest first."""
        query, at = valid(shapes.CertificateListIn, request.query_params), timezone.now()
        page = listing.certificates(
            person_of(request),
            state=query["state"],
            pattern_id=query["pattern_id"],
            after=query["after"] or None,
            size=query["size"],
            at=at,
        )
        items = [presenting.row_of(each, at=at) for each in page.items]
        shown = {"items": items, "next": page.next, "previous": page.previous}
        return Response(shapes.CertificatePage(shown).data)

    @extend_schema(request=shapes.CertificateAskIn, responses={201: shapes.CertificateDetailShape})
    def post(self, request: Request) -> Response:
        """Ask that the machine may sign one kind of fix; 422 with all that its record lacks."""
        body, person = valid(shapes.CertificateAskIn, request.data), person_of(request)
        fix = Fix(_pattern(person, body["pattern_id"]), body["action"], body["environment"])
        asked = asking.ask(fix, days=body["days"], person=person, door="api", at=timezone.now())
        location = f"/api/v1/certificates/{asked.pk}"
        return Response(_shown(person, asked.pk), status=201, headers={"Location": location})


class CertificateDetail(APIView):
    """One certificate."""

    scopes = {"GET": Scope.STATS_READ}

    @extend_schema(responses=shapes.CertificateDetailShape)
    def get(self, request: Request, certificate_id: int) -> Response:
        """A certificate with what it rests on, the text that is signed, and what it allowed."""
        return Response(_shown(person_of(request), certificate_id))


class CertificateSign(APIView):
    """Signatures under a certificate."""

    scopes = {"POST": Scope.SIGNOFFS_WRITE}
    refusals = {"POST": (404, 409, 422)}

    @extend_schema(request=shapes.CertificateSignIn, responses=shapes.CertificateDetailShape)
    def post(self, request: Request, certificate_id: int) -> Response:
        """Grant what somebody else asked for, under the digest of the text you read."""
        body, person = valid(shapes.CertificateSignIn, request.data), person_of(request)
        found, ballot = _find(person, certificate_id), Ballot(comment=body["comment"])
        asking.grant(found.pk, digest=body["digest"], person=person, ballot=ballot, door="api", at=timezone.now())
        return Response(_shown(person, certificate_id))


class CertificateRevoke(APIView):
    """The end of a certificate."""

    scopes = {"POST": Scope.SIGNOFFS_WRITE}
    refusals = {"POST": (404, 409, 422)}

    @extend_schema(request=shapes.CertificateRevokeIn, responses=shapes.CertificateDetailShape)
    def post(self, request: Request, certificate_id: int) -> Response:
        """Take a certificate back, or turn its question down; one policy admin is enough."""
        body, person = valid(shapes.CertificateRevokeIn, request.data), person_of(request)
        found = _find(person, certificate_id)
        asking.take_back(found.pk, reason=body["reason"], person=person, door="api", at=timezone.now())
        return Response(_shown(person, certificate_id))


def _pattern(person: Person, pattern_id: int) -> Pattern:
    found = Pattern.objects.select_related("category").filter(pk=pattern_id).first()
    if found is None or not grants.of(person).may("see", found.category_id):
        raise NotFound
    return found


def _find(person: Person, certificate_id: int) -> Certificate:
    found = listing.find(person, certificate_id)
    if found is None:
        raise NotFound
    return found


def _shown(person: Person, certificate_id: int) -> dict[str, Any]:
    found, at = _find(person, certificate_id), timezone.now()
    row, evidence = presenting.row_of(found, at=at), certified.evidence_of(found)
    is_asked = row.state is State.ASKED and found.plan is not None
    data = {
        "certificate": found,
        "state": row.state,
        "granted_by": [each.username for each in presenting.granters(found)],
        "figures": _figures(evidence),
        "origin": evidence.origin,
        "missing": signoffs.missing(found.plan) if is_asked and found.plan else [],
        "outcomes": presenting.outcomes_of(found),
    }
    return dict(shapes.CertificateDetailShape(data).data)


def _figures(evidence: Evidence) -> dict[str, Any]:
    record, asked, rollback = evidence.record, evidence.asked, evidence.rollback
    return {
        "counted": len(record.tickets),
        "succeeded": record.succeeded,
        "lower_bound": record.bound_permille / 1_000,
        "min_tickets": asked.min_tickets,
        "min_lower_bound": asked.min_bound_permille / 1_000,
        "rollback": rollback.state,
        "rollback_says": rollback.says,
    }
