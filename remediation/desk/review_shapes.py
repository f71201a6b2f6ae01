"""What the API says about the review of a ticket: the plan, the checklist, who objects, who is on it, who does what."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

Shape = serializers.Serializer[Any]


class WayBackShape(Shape):
    """What is known of the way back of one operation of a plan."""

    operation = serializers.CharField()
    is_proven = serializers.BooleanField(help_text="It was seen to work, and worked the last time.")
    taken = serializers.IntegerField(help_text="How often it was taken, of the last 200, rehearsals included.")
    worked = serializers.IntegerField()
    says = serializers.CharField()


class PlanShape(Shape):
    """What is to be signed: name this stage and digest in your approval."""

    stage = serializers.CharField()
    digest = serializers.CharField(help_text="SHA-256 of `content`.")
    content = serializers.CharField(help_text="The canonical text that is signed: a line that names its schema, JSON.")
    valid_until = serializers.DateTimeField()
    missing = serializers.ListField(child=serializers.CharField())
    ways_back = WayBackShape(many=True)
    rehearsed = serializers.CharField(help_text="What became of the newest rehearsal of this plan in the lab.")
    sheet = serializers.CharField(
        allow_null=True,
        default=None,
        help_text="What you are shown here is kept under this digest; null: not signed by you.",
    )


class ChecklistItem(Shape):
    """A REVIEW note of a step, or a task of the role to confirm; all are confirmed before anything is signed."""

    item = serializers.CharField(source="item.item")
    step = serializers.IntegerField(source="item.number", help_text="0: it is a task of the draft's role.")
    place = serializers.CharField(source="item.place", help_text="`step 2`, or `tasks/main.yml line 14` of the role.")
    text = serializers.CharField(source="item.text")
    confirmed_by = serializers.CharField(source="by.username", allow_null=True, default=None)


class RemarkShape(Shape):
    """A comment on one place of the draft, which is quoted as it stood."""

    place = serializers.CharField()
    quote = serializers.CharField()
    comment = serializers.CharField()


class CommentShape(Shape):
    """What somebody said about a place of a revision, which is quoted as it stood."""

    revision = serializers.IntegerField(source="revision.number")
    place = serializers.CharField()
    quote = serializers.CharField()
    comment = serializers.CharField(source="text")
    person = serializers.CharField(source="person.username")
    at = serializers.DateTimeField()


class CommentList(Shape):
    """Comments in the order they were made."""

    items = CommentShape(many=True)


class FindingShape(Shape):
    """One thing that is wrong, where, and how to mend it."""

    place = serializers.CharField()
    text = serializers.CharField()
    mend = serializers.CharField()


class GateShape(Shape):
    """What a gate said last about the newest revision."""

    gate = serializers.CharField()
    ruleset = serializers.CharField(help_text="The rules, or the program and its version.")
    has_passed = serializers.BooleanField()
    findings = FindingShape(many=True)
    took_ms = serializers.IntegerField(allow_null=True, help_text="Of a gate that runs a program.")
    at = serializers.DateTimeField()


class PartShape(Shape):
    """Who did a part of the work, or may do it, and where it stands."""

    name = serializers.CharField()
    state = serializers.ChoiceField(["done", "now", "later", "failed"])
    by = serializers.ListField(child=serializers.CharField())
    may = serializers.ListField(child=serializers.CharField())
    is_small_team = serializers.BooleanField(help_text="SMALL_TEAM is on: one person may review and approve.")


class TakenShape(Shape):
    """Somebody is on it."""

    person = serializers.CharField(source="person.username")
    until = serializers.DateTimeField()


class ObjectionShape(Shape):
    """Somebody asked for changes to the newest revision, or rejected it."""

    kind = serializers.CharField()
    reason = serializers.CharField()
    comment = serializers.CharField()
    person = serializers.CharField(source="person.username")
    at = serializers.DateTimeField()
    remarks = RemarkShape(many=True)
