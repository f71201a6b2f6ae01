"""The form of a category's policy: every limit in words, and only values that make sense together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings

from remediation.connectors.catalogue import OPERATIONS
from remediation.policy import staging
from remediation.policy.models import CategoryPolicy

if TYPE_CHECKING:
    PolicyModelForm = forms.ModelForm[CategoryPolicy]
else:
    PolicyModelForm = forms.ModelForm

DAYS = list(enumerate(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]))
ACTION_TYPES = [*((name, name) for name in OPERATIONS), ("command", "command (run by people)")]
LABELS = {
    "is_enabled": "Remediation enabled",
    "min_confidence": "Least confidence",
    "min_reliability": "Least reliability",
    "min_similar_tickets": "Least similar tickets",
    "min_feedback_rate": "Least positive feedback",
    "hours_start": "Hours from",
    "hours_end": "Hours until",
    "zone": "Time zone",
    "requires_approval": "Approval required",
    "auto_approve_threshold": "Approves itself from",
    "machine_share": "Left to the machine",
    "max_actions_per_hour": "Most actions per hour",
    "max_failures_in_a_row": "Failed runs in a row",
    "canary": "Canary",
    "wave_growth": "Waves grow by",
    "side_by_side": "Targets side by side",
    "watch_minutes": "Watched between waves",
    "error_budget": "Error budget",
    "requires_rollback_plan": "Rollback plan required",
    "requires_backup": "Backup required",
    "evidence_max_age_minutes": "Evidence stays fresh",
    "plan_valid_minutes": "A plan stays valid",
    "preflight_valid_minutes": "A pre-flight by hand holds",
}
HELP = {
    "is_enabled": "Off: people only, whatever else is written here.",
    "min_confidence": "Percent. Below it the machine's way is closed; people may still sign.",
    "min_reliability": "Percent. Empty: the site's setting.",
    "min_similar_tickets": "From how many similar tickets on the pattern match counts.",
    "min_feedback_rate": "Percent of the feedback on the pattern. Empty: the site's setting.",
    "hours_start": "On the clock of the zone below. Both hours or none.",
    "hours_end": "At or before the start it means the next day.",
    "zone": "A name such as Europe/Amsterdam.",
    "requires_approval": "Unknown: the site's setting. Yes wins over everything below.",
    "auto_approve_threshold": "Percent of reliability. Empty: never. Critical writes never do.",
    "machine_share": (
        "The tickets for which the machine may sign under a certificate. A larger share keeps those of a smaller one."
    ),
    "approvers": "Whose signature counts. None: whoever holds the grant.",
    "max_actions_per_hour": "Mutating steps. Empty: the site's setting, which also bounds what stands here.",
    "max_failures_in_a_row": "On a target or for a pattern; then workers wait. Empty: the site's setting.",
    "canary": "Targets of the first wave: a number such as 1, or a share such as 10%. Empty: one wave of all targets.",
    "wave_growth": "Each wave has that many times the targets of the one before. 1: equal waves.",
    "side_by_side": "Targets of a wave that are worked on at the same time. 1: one after the other.",
    "watch_minutes": "Minutes in which every signal has to hold before the next wave. 0: one look.",
    "error_budget": "Targets of a run that may fail and are taken back while others go on: 2, or 5%. 0: none.",
    "requires_rollback_plan": "Every write needs a way back.",
    "requires_backup": "A probe must have seen a backup.",
    "evidence_max_age_minutes": "Minutes. Older evidence blocks a signature.",
    "plan_valid_minutes": "Minutes from its making; then it is signed again.",
    "preflight_valid_minutes": "Minutes. Who runs a plan by hand and acts later than that looks again first.",
}


class PolicyForm(PolicyModelForm):
    """A category's limits."""

    allowed_action_types = forms.MultipleChoiceField(
        choices=ACTION_TYPES, required=False, widget=forms.CheckboxSelectMultiple, help_text="None: every type."
    )
    allowed_systems = forms.CharField(
        required=False,
        widget=forms.Textarea,
        help_text="One per line, named as plans name them. None: every system.",
    )
    forbidden_commands = forms.CharField(
        required=False, widget=forms.Textarea, help_text="One per line, such as rm -rf; * stands for anything."
    )
    days = forms.TypedMultipleChoiceField(
        choices=DAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple, help_text="None: every day."
    )

    class Meta:
        model = CategoryPolicy
        exclude = ("updated_at",)
        labels = LABELS
        help_texts = HELP
        widgets = {"approvers": forms.CheckboxSelectMultiple, "zone": forms.TextInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("allowed_systems", "forbidden_commands"):
            self.initial[name] = "\n".join(getattr(self.instance, name) or [])

    def clean_zone(self) -> str:
        zone: str = self.cleaned_data["zone"]
        if zone not in available_timezones():
            raise forms.ValidationError("There is no such time zone. Use a name such as Europe/Amsterdam or UTC.")
        return zone

    def clean_canary(self) -> str:
        canary = self._amount("canary")
        if canary.rstrip("%") == "0":
            raise forms.ValidationError("A canary has one target at least. Leave it empty for one wave of all targets.")
        return canary

    def clean_error_budget(self) -> str:
        return self._amount("error_budget") or "0"

    def clean_allowed_action_types(self) -> list[str] | None:
        return self.cleaned_data["allowed_action_types"] or None

    def clean_allowed_systems(self) -> list[str] | None:
        return self._lines("allowed_systems") or None

    def clean_forbidden_commands(self) -> list[str]:
        return self._lines("forbidden_commands")

    def clean(self) -> dict[str, Any]:
        super().clean()
        said = self.cleaned_data
        if (said.get("hours_start") is None) != (said.get("hours_end") is None):
            self.add_error("hours_end", "Give both hours, or none.")
        least, approves = said.get("min_reliability"), said.get("auto_approve_threshold")
        least = settings.AUTO_REMEDIATION_MIN_RELIABILITY if least is None else least
        if approves is not None and approves < least:
            self.add_error("auto_approve_threshold", f"Nothing below the least reliability, {least}, approves itself.")
        return said

    def _amount(self, name: str) -> str:
        amount = "".join(self.cleaned_data[name].split())
        if amount and (problem := staging.problem(amount)):
            raise forms.ValidationError(problem)
        return amount

    def _lines(self, name: str) -> list[str]:
        return [line.strip() for line in self.cleaned_data[name].splitlines() if line.strip()]
