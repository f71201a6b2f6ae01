"""What the ticket API accepts: closed bodies and query strings with their limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.estate.models import Environment
from portal.kit.serializers import StrictSerializer, Trimmed
from portal.signoff.states import Stage
from remediation.desk import reads
from remediation.drafting import schema
from remediation.execution.logbook import Narrowed
from remediation.execution.models import StepOutput
from remediation.review.models import Objection
from remediation.tickets import timelines
from remediation.tickets.models import KEY, Evidence, Severity
from remediation.tickets.services import NewEvidence, NewTicket
from remediation.tickets.states import TicketStatus

PIECES = 200
PIECE_BYTES = 64 * 1024
Pieces = serializers.ListSerializer[Any]
SEVERITIES = {severity.label: severity.value for severity in Severity}


class Piece(serializers.CharField):
    """A text of at most 64 KiB of UTF-8."""

    default_error_messages = {"too_large": f"At most {PIECE_BYTES:,} bytes of UTF-8."}

    def to_internal_value(self, data: Any) -> str:
        """The text, unless it is too large."""
        text = super().to_internal_value(data)
        if len(text.encode()) > PIECE_BYTES:
            self.fail("too_large")
        return text


class EvidenceIn(StrictSerializer):
    """One piece of what was observed."""

    kind = serializers.ChoiceField(Evidence.Kind.choices)
    text = Piece(
        allow_blank=True, default="", max_length=PIECE_BYTES, help_text="The observation, or a command's output."
    )
    command = Piece(allow_blank=True, default="", max_length=4_096, help_text="The command that was run, if any.")
    observed_at = serializers.DateTimeField()
    environment = serializers.ChoiceField(Environment.choices, default="", allow_blank=True)
    release = serializers.CharField(allow_blank=True, default="", max_length=200)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A piece says something."""
        return _not_empty(attrs)


class TimelineIn(StrictSerializer):
    """One entry of the timeline: what happened or was done, and a command with its output if one was run."""

    at = serializers.DateTimeField()
    text = Piece(allow_blank=True, default="", max_length=PIECE_BYTES)
    by = Trimmed(allow_blank=True, default="", max_length=timelines.NAME_AT_MOST, help_text="Who saw or did it.")
    host = Trimmed(allow_blank=True, default="", max_length=timelines.NAME_AT_MOST, help_text="Where.")
    command = Piece(allow_blank=True, default="", max_length=timelines.COMMAND_AT_MOST, help_text="Really run.")
    output = Piece(allow_blank=True, default="", max_length=PIECE_BYTES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An entry says something, and an output belongs to a command."""
        if attrs["output"] and not attrs["command"]:
            raise serializers.ValidationError({"command": ["Say which command this is the output of."]})
        said = timelines.Entry(None, **{name: attrs[name] for name in timelines.SAID})
        if len(said.words.encode()) > PIECE_BYTES:
            text = f"Text and output have at most {PIECE_BYTES:,} bytes together."
            raise serializers.ValidationError({"output": [text]}, code="too_large")
        return _not_empty(attrs)


class Told(StrictSerializer):
    """What was wrong in the end, and why."""

    symptom = Trimmed(allow_blank=True, default="", max_length=timelines.SENTENCE_AT_MOST)
    root_cause = Trimmed(allow_blank=True, default="", max_length=timelines.SENTENCE_AT_MOST)


class KeptIn(Told):
    """A timeline as people corrected it."""

    entries: Pieces = serializers.ListSerializer(
        child=TimelineIn(), allow_empty=False, max_length=timelines.ENTRIES_AT_MOST
    )


class NotesIn(StrictSerializer):
    """Notes of an incident as they were written."""

    text = Piece(max_length=PIECE_BYTES)
    day = serializers.DateField(help_text="The day of clock times that name none; they are read as UTC.")


class TicketIn(Told):
    """A new ticket."""

    ticket_id = serializers.RegexField(KEY, help_text="Yours; unique.")
    title = Trimmed(max_length=300)
    description = Piece(max_length=PIECE_BYTES)
    category = serializers.CharField(max_length=40)
    enable_auto_remediation = serializers.BooleanField(default=False)
    severity = serializers.ChoiceField(list(SEVERITIES), default="sev3")
    environment = serializers.ChoiceField(Environment.choices, default=Environment.PRODUCTION)
    service = serializers.CharField(max_length=80, allow_null=True, default=None)
    affected_systems = serializers.ListField(child=Trimmed(max_length=200), max_length=50, default=list)
    timeline: Pieces = serializers.ListSerializer(
        child=TimelineIn(), default=list, max_length=timelines.ENTRIES_AT_MOST
    )
    evidence: Pieces = serializers.ListSerializer(child=EvidenceIn(), default=list, max_length=PIECES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The pieces of both lists count together."""
        if len(attrs["timeline"]) + len(attrs["evidence"]) > PIECES:
            raise serializers.ValidationError({"evidence": [f"At most {PIECES} pieces, timeline included."]})
        if (attrs["symptom"] or attrs["root_cause"]) and not attrs["timeline"]:
            raise serializers.ValidationError({"timeline": ["Symptom and root cause are part of a timeline."]})
        return attrs


class LaterEvidenceIn(EvidenceIn):
    """A piece that comes later: it may refresh an earlier one, or speak against the draft."""

    refreshes = serializers.CharField(
        allow_blank=True, default="", max_length=10, help_text="The ref of the piece that this one observes again."
    )
    contradicts = serializers.BooleanField(
        default=False,
        help_text="It contradicts the draft's hypothesis: nothing is signed until the draft cites it.",
    )


class EvidenceListIn(StrictSerializer):
    """More evidence for a ticket."""

    evidence: Pieces = serializers.ListSerializer(child=LaterEvidenceIn(), allow_empty=False, max_length=PIECES)


class TicketListIn(StrictSerializer):
    """What a list of tickets is narrowed to."""

    status = serializers.ChoiceField([status.value for status in TicketStatus], default="")
    category = serializers.CharField(max_length=40, default="")
    severity = serializers.ChoiceField(list(SEVERITIES), default="")
    text = Trimmed(max_length=500, default="", help_text="Words of the ticket, in the syntax of a web search.")
    after = serializers.CharField(max_length=1_000, default=None, help_text="A cursor: `next` or `previous` of a page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=reads.PAGE)


class PageIn(StrictSerializer):
    """Which page of a list."""

    after = serializers.CharField(max_length=1_000, default=None, help_text="A cursor: `next` or `previous` of a page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=reads.PAGE)


class LogIn(PageIn):
    """Which part of the log, and which page of it."""

    step = serializers.IntegerField(min_value=1, max_value=999_999_999, default=None)
    phase = serializers.ChoiceField(StepOutput.Phase.values, default=None)
    only_failures = serializers.BooleanField(default=False, help_text="Only what was not clearly good.")


class ApprovalIn(StrictSerializer):
    """A sign-off of the plan with this digest, or the rejection of the draft."""

    ticket_id = serializers.CharField(max_length=64, required=False, help_text="If given, the one in the path.")
    approve = serializers.BooleanField(help_text="false rejects the draft and ends the remediation.")
    approver = serializers.CharField(max_length=80, required=False, help_text="If given, the token's own person.")
    comment = serializers.CharField(max_length=2_000, allow_blank=True, default="", help_text="Required to reject.")
    stage = serializers.ChoiceField(
        [stage.value for stage in Stage], required=False, help_text="`plan.stage` of the ticket."
    )
    digest = serializers.CharField(
        max_length=64, required=False, help_text="`plan.digest` of the ticket: what you read."
    )
    reason = serializers.ChoiceField(
        Objection.Reason.choices, default=Objection.Reason.OTHER, help_text="Of a rejection."
    )
    confirm_ticket_id = serializers.CharField(
        max_length=64,
        allow_blank=True,
        default="",
        help_text="The ticket's id once more, for a critical plan; the token is then at most five minutes old.",
    )
    sheet = serializers.RegexField(
        r"^([0-9a-f]{64})?$",
        default="",
        allow_blank=True,
        help_text="The `sheet` of the plan you read; without it, the plan as it stands now is kept as what you saw.",
    )
    runs_from = serializers.DateTimeField(
        allow_null=True, default=None, help_text="Approve ahead, with `runs_until`: the run starts between them."
    )
    runs_until = serializers.DateTimeField(allow_null=True, default=None)
    delegation = serializers.IntegerField(
        allow_null=True, default=None, min_value=1, help_text="Sign in the stead of who gave you this delegation."
    )


@extend_schema_field(schema.Draft)  # type: ignore[arg-type]  # pydantic is understood too
class DraftField(serializers.DictField):
    """A draft as plain data; the service holds it against the closed schema."""


class RevisionIn(StrictSerializer):
    """An edited draft on top of the revision that was read."""

    base_digest = serializers.CharField(
        max_length=64, allow_blank=True, help_text="`revision.digest` of the ticket; empty if there is no draft yet."
    )
    draft = DraftField(help_text="The whole draft.")


class TickIn(StrictSerializer):
    """A REVIEW item of the newest revision, confirmed or taken back."""

    item = serializers.CharField(max_length=64, help_text="`checklist[].item` of the ticket.")
    is_confirmed = serializers.BooleanField(default=True)


class RemarkIn(StrictSerializer):
    """A comment on one place of the draft."""

    place = serializers.CharField(
        max_length=240,
        help_text="`step 2, rollback`, `line 14` of the text of the draft, or `tasks/main.yml line 14` of its role.",
    )
    comment = Trimmed(max_length=2_000)


class ChangesIn(StrictSerializer):
    """What a reviewer wants to be different: in all, or at places of the revision they read."""

    comment = serializers.CharField(max_length=2_000, allow_blank=True, default="")
    remarks: Pieces = serializers.ListSerializer(child=RemarkIn(), default=list, max_length=PIECES)
    digest = serializers.CharField(
        max_length=64, allow_blank=True, default="", help_text="With remarks: `revision.digest` of the ticket."
    )


class CommentsIn(StrictSerializer):
    """Comments at places of the revision you read."""

    comments: Pieces = serializers.ListSerializer(child=RemarkIn(), min_length=1, max_length=PIECES)
    digest = serializers.CharField(max_length=64, help_text="`revision.digest` of the ticket.")


class CutIn(StrictSerializer):
    """A step that is out of scope."""

    step = serializers.IntegerField(min_value=1, max_value=30)
    base_digest = serializers.CharField(max_length=64, help_text="`revision.digest` of the ticket.")


class WithdrawalIn(StrictSerializer):
    """Why somebody takes back their signature."""

    reason = Trimmed(max_length=2_000)


class RehearsalIn(StrictSerializer):
    """Which plan is to be rehearsed."""

    digest = Trimmed(max_length=64, help_text="The digest of the open rollout plan.")


class ClosingIn(StrictSerializer):
    """How a ticket was resolved, in words; empty keeps what it says."""

    resolution = serializers.CharField(max_length=10_000, allow_blank=True, default="")


def new_ticket(body: Mapping[str, Any]) -> NewTicket:
    """The service's input for a validated TicketIn."""
    return NewTicket(
        key=body["ticket_id"],
        title=body["title"],
        description=body["description"],
        category_slug=body["category"],
        enable_auto_remediation=body["enable_auto_remediation"],
        severity=SEVERITIES[body["severity"]],
        environment=body["environment"],
        service_slug=body["service"],
        affected_systems=body["affected_systems"],
        evidence=new_evidence(body["evidence"]),
        timeline=told(body, body["timeline"]) if body["timeline"] else None,
    )


def told(body: Mapping[str, Any], entries: list[dict[str, Any]]) -> timelines.Timeline:
    """The timeline in a validated body."""
    moments = tuple(timelines.Entry(**entry) for entry in entries)
    return timelines.Timeline(moments, symptom=body["symptom"], root_cause=body["root_cause"])


def new_evidence(pieces: list[dict[str, Any]]) -> list[NewEvidence]:
    """The service's input for validated pieces of evidence."""
    return [NewEvidence(**piece) for piece in pieces]


def filters(query: Mapping[str, Any]) -> reads.Filters:
    """What a validated TicketListIn narrows a list to."""
    severity = SEVERITIES.get(query["severity"])
    return reads.Filters(status=query["status"], category=query["category"], severity=severity, text=query["text"])


def narrowed(query: Mapping[str, Any]) -> Narrowed:
    """What a validated LogIn narrows a log to."""
    return Narrowed(step=query["step"], phase=query["phase"] or "", only_failures=query["only_failures"])


def _not_empty(piece: dict[str, Any]) -> dict[str, Any]:
    if not piece["text"].strip() and not piece["command"].strip():
        raise serializers.ValidationError({"text": ["Say what was observed."]})
    return piece
