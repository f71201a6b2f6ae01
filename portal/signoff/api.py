"""Delegations by API: a person's own, given and received."""

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
from portal.estate.models import Category
from portal.kit.refusals import Refused, because
from portal.kit.serializers import StrictSerializer, valid
from portal.signoff import delegating
from portal.signoff import services as signoffs

MOST = 100


class DelegationIn(StrictSerializer):
    """Who signs in your stead, where, from when until when, and why."""

    to = serializers.CharField(max_length=80, help_text="The user name of who signs for you.")
    category = serializers.SlugField(
        max_length=40, required=False, allow_null=True, default=None, help_text="Empty: wherever you may sign."
    )
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(help_text="90 days after the start at most.")
    reason = serializers.CharField(max_length=500)


class DelegationShape(serializers.Serializer[Any]):
    """One person signs in another's stead."""

    id = serializers.IntegerField()
    from_person = serializers.CharField(source="from_person.username")
    to_person = serializers.CharField(source="to_person.username")
    category = serializers.CharField(source="category.slug", allow_null=True, default=None)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class Delegations(APIView):
    """Delegations."""

    scopes = {"GET": Scope.SIGNOFFS_WRITE, "POST": Scope.SIGNOFFS_WRITE}
    refusals = {"POST": (422,)}

    @extend_schema(operation_id="delegations_list", responses=DelegationShape(many=True))
    def get(self, request: Request) -> Response:
        """The last hundred delegations you gave or received, the newest first."""
        rows = delegating.of(person_of(request))[:MOST]
        return Response(DelegationShape(rows, many=True).data)

    @extend_schema(request=DelegationIn, responses={201: DelegationShape})
    def post(self, request: Request) -> Response:
        """Let somebody sign in your stead for a while."""
        body = valid(DelegationIn, request.data)
        to, category = _named(body["to"], body["category"])
        made = signoffs.delegate(
            person=person_of(request),
            to=to,
            category=category,
            starts_at=body["starts_at"],
            ends_at=body["ends_at"],
            reason=body["reason"],
            door="api",
            at=timezone.now(),
        )
        return Response(DelegationShape(made).data, status=201)


class OneDelegation(APIView):
    """One of your delegations."""

    scopes = {"DELETE": Scope.SIGNOFFS_WRITE}
    refusals = {"DELETE": (409,)}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, delegation_id: int) -> Response:
        """End it before its time. What was signed under it stays."""
        person = person_of(request)
        if not delegating.of(person).filter(pk=delegation_id).exists():
            raise Http404
        signoffs.end_delegation(delegation_id, person=person, door="api", at=timezone.now())
        return Response(status=204)


def _named(username: str, slug: str | None) -> tuple[Person, Category | None]:
    person = Person.objects.filter(username=username).first()
    category = Category.objects.filter(slug=slug).first() if slug else None
    problems = []
    if person is None:
        problems.append(because("unknown", f"There is nobody called {username!r}.", "to"))
    if slug and category is None:
        problems.append(because("unknown", f"There is no category {slug!r}.", "category"))
    if person is None or problems:
        raise Refused(*problems)
    return person, category
