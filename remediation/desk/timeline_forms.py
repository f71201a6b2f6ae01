"""What people type or paste about an incident: notes to be read, and the timeline they correct."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms

from portal.kit.fields import LongText, Text
from remediation.desk.forms import not_too_large
from remediation.tickets.models import Timeline
from remediation.tickets.timelines import COMMAND_AT_MOST, ENTRIES_AT_MOST, NAME_AT_MOST, SAID, SENTENCE_AT_MOST, Entry
from remediation.tickets.timelines import Timeline as Told

if TYPE_CHECKING:
    MomentsBase = forms.BaseFormSet["MomentForm"]
else:
    MomentsBase = forms.BaseFormSet

ROWS = 3
"""Entries a form has room for beyond those that are told already."""


class NotesForm(forms.Form):
    """Notes as they were written at night."""

    notes = LongText(
        label="Notes",
        strip=False,
        widget=forms.Textarea({"class": "mono", "rows": 12}),
        validators=[not_too_large],
        help_text="Lines such as “[02:14] Paged.”, ISO times, “$ df -h” with its output, Markdown with “Root cause:”.",
    )
    day = forms.DateField(
        label="Day (UTC)", widget=forms.DateInput({"type": "date"}), help_text="Of times that name no day."
    )


class SummaryForm(forms.Form):
    """What was wrong and why, and where the timeline comes from."""

    symptom = LongText(required=False, max_length=SENTENCE_AT_MOST, widget=forms.Textarea({"rows": 2}))
    root_cause = LongText(required=False, max_length=SENTENCE_AT_MOST, widget=forms.Textarea({"rows": 2}))
    source = forms.ChoiceField(choices=Timeline.Source.choices, widget=forms.HiddenInput)


class MomentForm(forms.Form):
    """One entry of a timeline."""

    at = forms.DateTimeField(label="When (UTC)", widget=forms.DateTimeInput({"type": "datetime-local", "step": "1"}))
    by = Text(required=False, max_length=NAME_AT_MOST, label="Who")
    host = Text(required=False, max_length=NAME_AT_MOST, label="Host")
    text = LongText(required=False, label="What", widget=forms.Textarea({"rows": 2}), validators=[not_too_large])
    command = LongText(
        required=False,
        max_length=COMMAND_AT_MOST,
        label="Command really run",
        widget=forms.Textarea({"class": "mono", "rows": 1}),
    )
    output = LongText(
        required=False,
        strip=False,
        label="Output",
        widget=forms.Textarea({"class": "mono", "rows": 2}),
        validators=[not_too_large],
    )
    leave_out = forms.BooleanField(required=False, label="Leave out")

    def clean(self) -> dict[str, Any]:
        super().clean()
        said = self.cleaned_data
        if not said.get("text") and not said.get("command") and not {"text", "command"} & self.errors.keys():
            self.add_error("text", "Say what happened, or which command was run.")
        if said.get("output") and not said.get("command") and "command" not in self.errors:
            self.add_error("command", "Say which command this is the output of.")
        return said

    @property
    def is_left_out(self) -> bool:
        """Whether it stayed empty or is not wanted."""
        return not self.has_changed() or self.data.get(self.add_prefix("leave_out")) == "on"

    def full_clean(self) -> None:
        """Nobody has to mend what is not wanted."""
        super().full_clean()
        if self.is_bound and self.is_left_out:
            self._errors = forms.utils.ErrorDict()

    @property
    def entry(self) -> Entry:
        """The entry as a value."""
        said = self.cleaned_data
        return Entry(at=said["at"], **{name: said[name] for name in SAID})


class Moments(MomentsBase):
    """The entries of a timeline; rows that stay empty do not count."""

    def initial_form_count(self) -> int:
        return 0

    def total_form_count(self) -> int:
        if self.is_bound:
            return super().total_form_count()
        return min(len(self.initial or ()) + ROWS, ENTRIES_AT_MOST)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything that counts, in the order of time; what happened at one moment stays as it was told."""
        told = [form.entry for form in self if not form.is_left_out]
        return tuple(sorted(told, key=_moment))


MomentForms = forms.formset_factory(
    MomentForm, formset=Moments, max_num=ENTRIES_AT_MOST, absolute_max=ENTRIES_AT_MOST, validate_max=True
)


def forms_of(told: Told, source: Timeline.Source) -> tuple[SummaryForm, Moments]:
    """The forms in which a timeline is corrected."""
    summary = {"symptom": told.symptom, "root_cause": told.root_cause, "source": source}
    rows = [{"at": _shown(entry.at), **{name: getattr(entry, name) for name in SAID}} for entry in told.entries]
    return SummaryForm(initial=summary), MomentForms(prefix="entries", initial=rows)  # type: ignore[return-value]


def _moment(entry: Entry) -> datetime:
    if entry.at is None:
        raise ValueError("an entry of a checked form has a time")
    return entry.at


def _shown(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S") if at else ""
