"""What the ticket API answers. Every field is always there; what is not known is null, never zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from remediation.desk.reads import Details
from remediation.desk.review_shapes import (
    ChecklistItem,
    GateShape,
    ObjectionShape,
    PartShape,
    PlanShape,
    Shape,
    TakenShape,
)
from remediation.desk.serializers import DraftField
from remediation.drafting.models import Remediation, Revision
from remediation.policy.models import Assessment, Decision
from remediation.policy.services import reliability_data
from remediation.review import proving
from remediation.tickets.models import Severity, Ticket
from remediation.tickets.states import TicketStatus

SAFETY_CHECKS = ("time_window_ok", "rate_limit_ok", "targets_free", "backup_available", "system_healthy")
LEVELS = ("very_high", "high", "medium", "low")
STATUSES = [status.value for status in TicketStatus]
OUTCOMES = {True: "good", False: "bad", None: "unknown"}


class Accepted(Shape):
    """The answer to a new ticket. Nothing has been drafted yet, so there is confidence in nothing: 0.0."""

    ticket_id = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    auto_remediation_enabled = serializers.BooleanField()
    confidence_score = serializers.FloatField()
    reliability_score = serializers.FloatField(allow_null=True)


class TicketRow(Shape):
    """A ticket in a list."""

    ticket_id = serializers.CharField(source="key")
    title = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    category = serializers.CharField(source="category.slug")
    service = serializers.CharField(source="service.slug", allow_null=True, default=None)
    severity = serializers.SerializerMethodField()
    environment = serializers.CharField()
    auto_remediation_enabled = serializers.BooleanField(source="enable_auto_remediation")
    confidence_score = serializers.SerializerMethodField()
    reliability_score = serializers.SerializerMethodField()
    opened_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_severity(self, ticket: Ticket) -> str:
        """`sev1` to `sev4`."""
        return Severity(ticket.severity).label

    def get_confidence_score(self, ticket: Ticket) -> float | None:
        """0 to 1."""
        remediation = _newest(ticket)
        percent = remediation.confidence_percent if remediation else None
        return None if percent is None else percent / 100

    def get_reliability_score(self, ticket: Ticket) -> float | None:
        """0 to 100."""
        remediation = _newest(ticket)
        permille = remediation.reliability_permille if remediation else None
        return None if permille is None else permille / 10


class TicketPage(Shape):
    """A page of tickets, newest first; `next` and `previous` are cursors for `after`."""

    items = TicketRow(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class EvidenceShape(Shape):
    """A piece of evidence; drafts cite it by `ref`."""

    ref = serializers.CharField()
    kind = serializers.CharField()
    text = serializers.CharField()
    command = serializers.CharField()
    observed_at = serializers.DateTimeField()
    environment = serializers.CharField()
    release = serializers.CharField()
    contradicts = serializers.BooleanField()
    refreshes = serializers.CharField(source="refreshes.ref", allow_null=True, default=None)


class EvidenceAdded(Shape):
    """The pieces that were added, with the refs they got."""

    evidence = EvidenceShape(many=True)


class SuggestedAction(Shape):
    """One step of the draft: an operation of the catalogue, or a command, and the system it touches."""

    action = serializers.CharField()
    system = serializers.CharField(allow_null=True)


class Breakdown(Shape):
    """The parts of the reliability, each 0 to 100; null where nothing is known, which counts as 0."""

    ai_confidence = serializers.FloatField(allow_null=True)
    human_validation = serializers.FloatField(allow_null=True)
    success_history = serializers.FloatField(allow_null=True)
    pattern_recognition = serializers.FloatField(allow_null=True)


class ReliabilityShape(Shape):
    """The reliability with its parts."""

    overall_score = serializers.FloatField()
    confidence_level = serializers.ChoiceField(LEVELS)
    breakdown = Breakdown()


class ReasoningLine(Shape):
    """One step of the decision: `fail` binds everybody, `warn` closes only the machine's way."""

    question = serializers.CharField()
    answer = serializers.CharField()
    outcome = serializers.ChoiceField(["pass", "fail", "warn", "info"])


class SafetyChecks(Shape):
    """false binds everybody, null (nothing could tell) closes only the machine's way."""

    time_window_ok = serializers.BooleanField(allow_null=True)
    rate_limit_ok = serializers.BooleanField(allow_null=True)
    targets_free = serializers.BooleanField(allow_null=True)
    backup_available = serializers.BooleanField(allow_null=True)
    system_healthy = serializers.BooleanField(allow_null=True)
    all_passed = serializers.BooleanField()


class DecisionShape(Shape):
    """What the policy says about the machine's way, and why. People may sign where it is closed."""

    at = serializers.DateTimeField(
        help_text="When this was asked; it is asked again with every signature and the claim."
    )
    allowed = serializers.BooleanField()
    action_type = serializers.CharField()
    requires_approval = serializers.BooleanField()
    reasoning = ReasoningLine(many=True)
    safety_checks = SafetyChecks()
    risk_level = serializers.ChoiceField(["low", "medium", "critical"], source="risk")

    def to_representation(self, instance: Decision) -> dict[str, Any]:
        """The row, with the safety checks by name."""
        names = ("at", "allowed", "action_type", "requires_approval", "reasoning", "risk")
        row = {name: getattr(instance, name) for name in names}
        return super().to_representation({**row, "safety_checks": _safety(instance.safety_checks)})


class ExecutedAction(Shape):
    """A step that changed something, or, while its status is `intended` or `unknown`, may have."""

    action = serializers.CharField()
    system = serializers.CharField()
    status = serializers.CharField()
    acted_at = serializers.DateTimeField(allow_null=True)


class Results(Shape):
    """How the newest run went; `success` is null while it goes on."""

    success = serializers.BooleanField(allow_null=True, source="has_succeeded")
    outcome = serializers.CharField(source="run.outcome", help_text="In words, with how many steps were skipped.")
    executed_actions = ExecutedAction(many=True, source="executed_steps")


class RevisionShape(Shape):
    """A text of the draft; `digest` is the `base_digest` of the next edit."""

    number = serializers.IntegerField()
    digest = serializers.CharField()
    drafter = serializers.CharField()
    author = serializers.CharField(source="author.username", allow_null=True, default=None)
    created_at = serializers.DateTimeField()


class RevisionWithDraft(RevisionShape):
    """The newest revision with its draft in the closed schema."""

    draft = DraftField()

    def to_representation(self, instance: Details) -> dict[str, Any]:
        """The head revision of a ticket's details."""
        shown = RevisionShape(instance.revision).data
        return {**shown, "draft": instance.draft.model_dump(mode="json") if instance.draft else None}


class Links(Shape):
    """Where to go on."""

    self = serializers.CharField()
    remediation_logs = serializers.CharField()
    approve_remediation = serializers.CharField()
    revisions = serializers.CharField()
    evidence = serializers.CharField()
    feedback = serializers.CharField()


class TicketShape(Shape):
    """A ticket with everything about its newest remediation."""

    ticket_id = serializers.CharField(source="ticket.key")
    title = serializers.CharField(source="ticket.title")
    description = serializers.CharField(source="ticket.description")
    category = serializers.CharField(source="ticket.category.slug")
    service = serializers.CharField(source="ticket.service.slug", allow_null=True, default=None)
    severity = serializers.SerializerMethodField()
    environment = serializers.CharField(source="ticket.environment")
    affected_systems = serializers.ListField(child=serializers.CharField(), source="ticket.affected_systems")
    opened_by = serializers.CharField(source="ticket.opened_by.username")
    opened_at = serializers.DateTimeField(source="ticket.opened_at")
    finished_at = serializers.DateTimeField(source="ticket.finished_at", allow_null=True)
    pattern = serializers.CharField(source="ticket.pattern.title", allow_null=True, default=None)
    status = serializers.ChoiceField(STATUSES, source="ticket.status")
    status_reason = serializers.CharField(allow_null=True)
    resolution = serializers.SerializerMethodField()
    suggested_actions = SuggestedAction(many=True)
    confidence_score = serializers.FloatField(source="confidence", allow_null=True)
    reliability_score = serializers.SerializerMethodField()
    reliability_breakdown = serializers.SerializerMethodField()
    auto_remediation_enabled = serializers.BooleanField(source="ticket.enable_auto_remediation")
    auto_remediation_executed = serializers.BooleanField(source="was_executed_by_workers")
    remediation_decision = DecisionShape(source="decision", allow_null=True)
    remediation_results = serializers.SerializerMethodField()
    plan = serializers.SerializerMethodField()
    checklist = ChecklistItem(many=True)
    gates = GateShape(many=True)
    objections = ObjectionShape(many=True)
    parts = PartShape(many=True)
    taken = TakenShape(allow_null=True)
    voided = serializers.CharField(allow_null=True)
    drafter = serializers.CharField(allow_null=True)
    revision = serializers.SerializerMethodField()
    evidence = EvidenceShape(many=True)
    links = serializers.SerializerMethodField()

    def get_severity(self, details: Details) -> str:
        """`sev1` to `sev4`."""
        return Severity(details.ticket.severity).label

    def get_resolution(self, details: Details) -> str | None:
        """How it was resolved."""
        return details.ticket.resolution or None

    def get_reliability_score(self, details: Details) -> float | None:
        """0 to 100."""
        return details.assessment.overall_permille / 10 if details.assessment else None

    @extend_schema_field(ReliabilityShape(allow_null=True))
    def get_reliability_breakdown(self, details: Details) -> dict[str, Any] | None:
        """The newest assessment."""
        return _reliability(details.assessment)

    @extend_schema_field(Results(allow_null=True))
    def get_remediation_results(self, details: Details) -> Mapping[str, Any] | None:
        """The newest run, if there is one."""
        return Results(details).data if details.run else None

    @extend_schema_field(PlanShape(allow_null=True))
    def get_plan(self, details: Details) -> Mapping[str, Any] | None:
        """The plan that people look at, with what still stands in its way."""
        if details.plan is None or details.standing is None:
            return None
        plan = details.plan
        names = ("stage", "digest", "content", "valid_until")
        shown = {name: getattr(plan, name) for name in names}
        return PlanShape({**shown, "missing": details.standing.missing, **proving.of(plan).data}).data

    @extend_schema_field(RevisionWithDraft(allow_null=True))
    def get_revision(self, details: Details) -> Mapping[str, Any] | None:
        """What the newest revision says."""
        return RevisionWithDraft(details).data if details.revision else None

    @extend_schema_field(Links)
    def get_links(self, details: Details) -> dict[str, str]:
        """Where to go on."""
        return links_of(details.ticket)


class LogLine(Shape):
    """One thing a run did or saw: who, what, when, output, outcome."""

    run = serializers.IntegerField(source="run_id")
    step = serializers.IntegerField(source="number")
    phase = serializers.CharField()
    who = serializers.CharField(source="by")
    what = serializers.CharField(source="says")
    when = serializers.DateTimeField(source="at")
    output = serializers.CharField(source="text")
    outcome = serializers.ChoiceField(["good", "bad", "unknown"])

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The row, with its outcome as a word."""
        instance.outcome = OUTCOMES[instance.is_good]
        return super().to_representation(instance)


class LogPage(Shape):
    """A page of the log, in the order things happened; `next` and `previous` are cursors for `after`."""

    items = LogLine(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class Standing(Shape):
    """What was signed or rejected, and what is still missing."""

    stage = serializers.CharField(allow_null=True)
    missing = serializers.ListField(child=serializers.CharField())


class StatusShape(Shape):
    """The ticket as it stands after a verb."""

    ticket_id = serializers.CharField(source="key")
    status = serializers.ChoiceField(STATUSES)
    resolution = serializers.CharField(allow_blank=True)


def accepted(ticket: Ticket) -> dict[str, Any]:
    """What a caller learns about a ticket it has just opened; the same again for a repeated request."""
    return {
        "ticket_id": ticket.key,
        "status": TicketStatus.PROCESSING.value,
        "auto_remediation_enabled": ticket.enable_auto_remediation,
        "confidence_score": 0.0,
        "reliability_score": None,
    }


def revision(row: Revision) -> Mapping[str, Any]:
    """A revision without its draft."""
    return RevisionShape(row).data


def path_of(ticket: Ticket) -> str:
    """The API's address of a ticket."""
    return f"/api/v1/tickets/{ticket.key}"


def links_of(ticket: Ticket) -> dict[str, str]:
    """The API's addresses around a ticket."""
    base = path_of(ticket)
    return {
        "self": base,
        "remediation_logs": f"{base}/remediation-logs",
        "approve_remediation": f"{base}/approve-remediation",
        "revisions": f"{base}/revisions",
        "evidence": f"{base}/evidence",
        "feedback": "/api/v1/feedback",
    }


def _newest(ticket: Ticket) -> Remediation | None:
    rows: list[Remediation] = ticket.newest_remediations  # type: ignore[attr-defined]  # prefetched by reads.tickets
    return rows[0] if rows else None


def _reliability(assessment: Assessment | None) -> dict[str, Any] | None:
    if assessment is None:
        return None
    data = reliability_data(assessment)
    return {name: data[name] for name in ("overall_score", "confidence_level", "breakdown")}


def _safety(checks: list[dict[str, Any]]) -> dict[str, bool | None]:
    answers = {check["name"]: check["answer"] for check in checks}
    passed = all(check["answer"] for check in checks if check["is_required"])
    return {**{name: answers.get(name) for name in SAFETY_CHECKS}, "all_passed": passed}
