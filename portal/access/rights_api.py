"""Rights by API: who may do what and why, and the same changes as on the page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access import rights
from portal.access.authentication import person_of
from portal.access.models import Person, Scope
from portal.access.rights import Row
from portal.estate.models import VERBS, Category
from portal.kit.paging import Page
from portal.kit.refusals import Refused, because
from portal.kit.serializers import StrictSerializer, valid

EVERYWHERE = "*"
PLACE = "A category, or `*`: rights in all categories."


class GrantListIn(StrictSerializer):
    """Whose rights, and where."""

    category = serializers.CharField(max_length=40, default=EVERYWHERE, help_text=PLACE)
    kind = serializers.ChoiceField(["person", "group"], default="person")
    text = serializers.CharField(max_length=80, default="", help_text="Part of a name.")
    after = serializers.CharField(max_length=1_000, default=None, help_text="A cursor: `next` or `previous` of a page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=50)


class GrantIn(StrictSerializer):
    """One right of one person or group."""

    kind = serializers.ChoiceField(["person", "group"])
    holder = serializers.CharField(max_length=150, help_text="The name of a person or a group.")
    verb = serializers.ChoiceField(list(VERBS))
    category = serializers.CharField(max_length=40, help_text=PLACE)


class RightShape(serializers.Serializer[Any]):
    """One verb."""

    verb = serializers.ChoiceField(list(VERBS))
    given = serializers.BooleanField(source="is_given", help_text="In this very place, to this very holder.")
    through = serializers.ListField(child=serializers.CharField(), help_text="Where else the right comes from.")


class GrantShape(serializers.Serializer[Any]):
    """Everything that a person or a group may do in a place, and why."""

    holder = serializers.CharField(help_text="The name of the person or the group.")
    is_superuser = serializers.SerializerMethodField(help_text="Superusers may everything.")
    rights = RightShape(many=True, source="cells")

    def get_is_superuser(self, row: Row) -> bool:
        """Whether the rights below are all but meaningless."""
        return isinstance(row.holder, Person) and row.holder.is_superuser


class GrantPage(serializers.Serializer[Any]):
    """A page of holders by name; `next` and `previous` are cursors for `after`."""

    items = GrantShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class Grants(APIView):
    """Rights per category."""

    scopes = {"GET": Scope.RIGHTS_READ, "PUT": Scope.RIGHTS_WRITE, "DELETE": Scope.RIGHTS_WRITE}
    refusals = {"GET": (422,), "PUT": (422,), "DELETE": (422,)}

    @extend_schema(operation_id="grants_list", parameters=[GrantListIn], responses=GrantPage)
    def get(self, request: Request) -> Response:
        """Who may do what, one way or another, in a category or in all of them."""
        query, person = valid(GrantListIn, request.query_params), person_of(request)
        where = _place(person, query["category"])
        wanted = {"text": query["text"], "after": query["after"] or None, "size": query["size"]}
        page: Page[Any] = rights.people(**wanted) if query["kind"] == "person" else rights.groups(**wanted)
        rows = rights.rows_of(page.items, where, seen_by=person)
        return Response(GrantPage({"items": rows, "next": page.next, "previous": page.previous}).data)

    @extend_schema(request=GrantIn, responses=GrantShape)
    def put(self, request: Request) -> Response:
        """Give a right. Giving it again changes nothing."""
        return Response(GrantShape(_changed(person_of(request), valid(GrantIn, request.data), is_given=True)).data)

    @extend_schema(parameters=[GrantIn], responses={204: None})
    def delete(self, request: Request) -> Response:
        """Take a right back. What a role or another grant gives stays."""
        _changed(person_of(request), valid(GrantIn, request.query_params), is_given=False)
        return Response(status=204)


def _changed(person: Person, asked: dict[str, Any], *, is_given: bool) -> Row:
    where, holder = _place(person, asked["category"]), _holder(asked["kind"], asked["holder"])
    change = rights.Change(rights.key_of(holder), asked["verb"], is_given)
    rights.change([change], where=where, person=person, door="api", at=timezone.now())
    return rights.rows_of([holder], where, seen_by=person)[0]


def _place(person: Person, category: str) -> Category | None:
    return rights.place(person, "" if category == EVERYWHERE else category)


def _holder(kind: str, name: str) -> rights.Holder:
    found: rights.Holder | None
    if kind == "person":
        found = Person.objects.filter(username=name, is_active=True).first()
    else:
        found = Group.objects.filter(name=name).first()
    if found is None:
        raise Refused(because("unknown", f"There is no {kind} called {name!r}.", "holder"))
    return found
