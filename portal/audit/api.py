"""The trail by API, for those who may read it: pages of events, the proof of one of them, the newest checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, get_args

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.audit import chain, reads
from portal.audit.exporting import row_of
from portal.audit.forms import SUBJECT
from portal.audit.models import Event
from portal.audit.people import refuse_strangers
from portal.audit.proofs import proof_of
from portal.audit.sealer import checkpoint_of
from portal.kit.actors import Door
from portal.kit.serializers import StrictSerializer, Trimmed, valid

SCOPE = "audit:read"
_DIGEST = "Lower-case hexadecimal."


class EventsIn(StrictSerializer):
    """What narrows a page of events; what is left out does not."""

    actor = Trimmed(max_length=80, required=False, help_text="A name, exactly.")
    kind = Trimmed(max_length=80, required=False, help_text="What happened, like `plan.signed`.")
    subject = Trimmed(max_length=80, required=False, validators=[SUBJECT], help_text="To what, like `signoff.plan:42`.")
    ticket = Trimmed(max_length=64, required=False, help_text="A ticket's key.")
    door = serializers.ChoiceField(choices=get_args(Door), required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="Not included.")
    after = serializers.CharField(max_length=1_000, default=None, help_text="A cursor: `next` or `previous` of a page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=reads.PAGE)


class EventShape(serializers.Serializer[Any]):
    """One event: the columns that its leaf covers, its seal and its body."""

    id = serializers.IntegerField()
    at = serializers.CharField(help_text="UTC, with microseconds; written as the leaf has it.")
    kind = serializers.CharField()
    door = serializers.CharField()
    actor_kind = serializers.CharField()
    actor_id = serializers.IntegerField(allow_null=True)
    actor_name = serializers.CharField()
    subject_kind = serializers.CharField()
    subject_id = serializers.IntegerField()
    subject_name = serializers.CharField()
    ticket_id = serializers.IntegerField(allow_null=True)
    ticket_key = serializers.CharField()
    body_digest = serializers.CharField(help_text=f"SHA-256 of the body. {_DIGEST}")
    xid = serializers.IntegerField(help_text="The transaction that wrote it.")
    recorded_at = serializers.CharField(help_text="By the database's clock, as `at`.")
    written_by = serializers.CharField(help_text="The database login that wrote it.")
    body = serializers.CharField(allow_null=True, help_text="Canonical text; null once retention dropped it.")


class ListedEvent(EventShape):
    """An event in a page."""

    seal = serializers.IntegerField(allow_null=True, help_text="The number of its seal; null for a second or two.")


class EventPage(serializers.Serializer[Any]):
    """Events, newest first; `next` and `previous` are cursors for `after`."""

    items = ListedEvent(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class CheckpointShape(serializers.Serializer[Any]):
    """The newest seal, signed."""

    number = serializers.IntegerField()
    digest = serializers.CharField(help_text=f"SHA-256 of the seal's text. {_DIGEST}")
    sealed_at = serializers.CharField()
    key = serializers.CharField(help_text=f"Ed25519 public key. {_DIGEST}")
    signature = serializers.CharField(help_text=_DIGEST)


class SealShape(serializers.Serializer[Any]):
    """A seal and its signature."""

    number = serializers.IntegerField()
    previous = serializers.CharField()
    until_xid = serializers.IntegerField()
    open_xids = serializers.ListField(child=serializers.IntegerField())
    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment]  # a field; the base has a property of this name
    sealed_at = serializers.CharField()
    key = serializers.CharField()
    signature = serializers.CharField()


class ProvenEvent(EventShape):
    """An event with the way from its leaf to the root of its seal."""

    seal = serializers.IntegerField()
    index = serializers.IntegerField()
    path = serializers.ListField(child=serializers.CharField())


class ProofShape(serializers.Serializer[Any]):
    """What proves an event without this server; `unsealed` names it while it waits for its seal."""

    version = serializers.CharField()
    seals = SealShape(many=True)
    events = ProvenEvent(many=True)
    unsealed = serializers.ListField(child=serializers.IntegerField())


class Events(APIView):
    """The trail."""

    scopes = {"GET": SCOPE}
    refusals = {"GET": (422,)}

    @extend_schema(parameters=[EventsIn], responses=EventPage)
    def get(self, request: Request) -> Response:
        """What happened, newest first. For auditors and policy admins."""
        refuse_strangers(request)
        query = valid(EventsIn, request.query_params)
        after, size = query.pop("after"), query.pop("size")
        page = reads.events(reads.Filters(**query), after=after or None, size=size)
        seals = reads.seals(page.items)
        items = [row_of(each, seals.get(each.pk)) for each in page.items]
        return Response({"items": items, "next": page.next, "previous": page.previous})


class EventProof(APIView):
    """The proof of one event."""

    scopes = {"GET": SCOPE}

    @extend_schema(responses=ProofShape)
    def get(self, request: Request, event_id: int) -> Response:
        """The event, the way from its leaf to the root, and the signed seal; docs/audit.md says how to check it."""
        refuse_strangers(request)
        if not Event.objects.filter(pk=event_id).exists():
            raise Http404
        return Response(proof_of([event_id]))


class LatestCheckpoint(APIView):
    """Where the chain ends."""

    scopes = {"GET": SCOPE}
    refusals = {"GET": (404,)}

    @extend_schema(responses=CheckpointShape)
    def get(self, request: Request) -> Response:
        """The newest checkpoint with the public key; 404 before the first seal. Keep it: it is an anchor of yours."""
        refuse_strangers(request)
        tip = chain.tip()
        if tip is None:
            raise Http404
        return Response(asdict(checkpoint_of(tip)))
