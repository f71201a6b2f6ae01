"""What the postmortem API accepts and answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portal.kit.serializers import StrictSerializer
from remediation.postmortem.listing import PAGE, VERSIONS
from remediation.postmortem.services import MOST_CHARACTERS

LARGEST = 999_999


class ListIn(StrictSerializer):
    """A page of postmortems."""

    after = serializers.CharField(default="", allow_blank=True, help_text="`next` or `previous` of another page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=PAGE)


class VersionsIn(StrictSerializer):
    """A page of versions."""

    after = serializers.CharField(default="", allow_blank=True, help_text="`next` or `previous` of another page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=VERSIONS)


class ReadIn(StrictSerializer):
    """Which version."""

    version = serializers.IntegerField(min_value=0, max_value=LARGEST, default=0, help_text="0: the newest.")


class EditIn(StrictSerializer):
    """The next version."""

    text = serializers.CharField(max_length=MOST_CHARACTERS, help_text="Markdown.")
    base = serializers.IntegerField(min_value=1, max_value=LARGEST, help_text="The version you read.")


class RowShape(serializers.Serializer[Any]):
    """A postmortem in the list."""

    ticket_id = serializers.CharField(source="ticket.key")
    title = serializers.CharField(source="ticket.title")
    category = serializers.CharField(source="category.slug")
    version = serializers.IntegerField(source="newest")
    written_by = serializers.CharField(allow_null=True, help_text="null: drafted from the record.")
    written_at = serializers.DateTimeField()


class Page(serializers.Serializer[Any]):
    """Postmortems, newest first."""

    items = RowShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class VersionRow(serializers.Serializer[Any]):
    """A version without its text."""

    version = serializers.IntegerField(source="number")
    digest = serializers.CharField(help_text="SHA-256 of the Markdown.")
    written_by = serializers.CharField(
        source="author.username", allow_null=True, default=None, help_text="null: drafted from the record."
    )
    written_at = serializers.DateTimeField(source="created_at")


class VersionPage(serializers.Serializer[Any]):
    """Versions, newest first."""

    items = VersionRow(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class VersionShape(VersionRow):
    """A version with its text."""

    text = serializers.CharField(help_text="Markdown.")
