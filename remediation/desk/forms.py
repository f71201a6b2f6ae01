"""What people type at the desk: filters of the lists, a new ticket, evidence, the end of a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import QueryDict

from portal.estate.models import Category, Environment, Service
from portal.kit.fields import LongText, Text
from portal.kit.labels import label_of
from remediation.desk.reads import Filters
from remediation.desk.serializers import PIECE_BYTES, PIECES
from remediation.drafting.states import WAITING
from remediation.tickets.models import KEY, Evidence, Severity
from remediation.tickets.services import NewEvidence, NewTicket
from remediation.tickets.states import TicketStatus

if TYPE_CHECKING:
    PiecesBase = forms.BaseFormSet["EvidenceForm"]
else:
    PiecesBase = forms.BaseFormSet

ROWS = 3
"""Pieces of evidence a fresh form has room for, and how many more are added at a time."""
SYSTEMS = 50
SYSTEM_LENGTH = 200
SEVERITIES = [(severity.value, severity.label.upper()) for severity in Severity]
ENVIRONMENTS = [("", "Not said"), *Environment.choices]


def not_too_large(text: str) -> None:
    """Refuse more than the API takes."""
    if len(text.encode()) > PIECE_BYTES:
        raise ValidationError(f"At most {PIECE_BYTES:,} bytes.")


class FilterForm(forms.Form):
    """What a list is narrowed to."""

    text = forms.CharField(required=False, max_length=500, label="Words")
    category = forms.ChoiceField(required=False)
    severity = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, choices=[("", "Every severity"), *SEVERITIES]
    )
    status = forms.ChoiceField(required=False)

    statuses: Sequence[str] = tuple(TicketStatus)

    def __init__(self, query: QueryDict, *, categories: Sequence[Category]) -> None:
        super().__init__(query)
        named = [(category.slug, category.name) for category in categories]
        worded = sorted((str(status), label_of("status", status).text) for status in self.statuses)
        self.fields["category"] = forms.ChoiceField(required=False, choices=[("", "Every category"), *named])
        self.fields["status"] = forms.ChoiceField(required=False, choices=[("", "Every status"), *worded])

    @property
    def filters(self) -> Filters:
        """The filters; a value that does not exist narrows nothing and is pointed out."""
        self.full_clean()
        return Filters(**{name: value for name, value in self.cleaned_data.items() if value})


class QueueFilterForm(FilterForm):
    """What the queue is narrowed to."""

    statuses = tuple(WAITING)

    def __init__(self, query: QueryDict, *, categories: Sequence[Category]) -> None:
        super().__init__(query, categories=categories)
        del self.fields["text"]


class TicketForm(forms.Form):
    """A new ticket without its evidence."""

    key = forms.CharField(
        max_length=64,
        label="Ticket",
        help_text="The key people know it by, such as INC-4489. Unique.",
        validators=[RegexValidator(KEY, "Letters, digits, dots, colons, hyphens and underscores; no spaces.")],
    )
    title = Text(max_length=300)
    description = LongText(
        widget=forms.Textarea({"rows": 6}),
        validators=[not_too_large],
        help_text="What is wrong, since when, and what was tried.",
    )
    category = forms.ChoiceField()
    severity = forms.TypedChoiceField(coerce=int, choices=SEVERITIES, initial=Severity.SEV3.value)
    environment = forms.ChoiceField(choices=Environment.choices, initial=Environment.PRODUCTION.value)
    service = forms.ChoiceField(required=False)
    affected_systems = forms.CharField(required=False, widget=forms.Textarea({"rows": 3}), help_text="One per line.")
    enable_auto_remediation = forms.BooleanField(
        required=False,
        label="Workers may run the signed plan",
        help_text="Off: people run it by hand, guided. Either way nothing runs before it is signed.",
    )

    def __init__(self, *args: Any, categories: Sequence[Category], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = Service.objects.values_list("slug", "name")
        named = [(category.slug, category.name) for category in categories]
        self.fields["category"] = forms.ChoiceField(choices=[("", "Choose"), *named])
        self.fields["service"] = forms.ChoiceField(required=False, choices=[("", "None"), *services])

    def clean_affected_systems(self) -> list[str]:
        systems = [line.strip() for line in self.cleaned_data["affected_systems"].splitlines() if line.strip()]
        if len(systems) > SYSTEMS or any(len(system) > SYSTEM_LENGTH for system in systems):
            raise ValidationError(f"At most {SYSTEMS} systems of at most {SYSTEM_LENGTH} characters.")
        return systems

    def ticket(self, evidence: Sequence[NewEvidence]) -> NewTicket:
        """The service's input."""
        said = dict(self.cleaned_data)
        return NewTicket(
            category_slug=said.pop("category"), service_slug=said.pop("service") or None, evidence=evidence, **said
        )


class EvidenceForm(forms.Form):
    """One observation."""

    kind = forms.ChoiceField(choices=[("", "Choose"), *Evidence.Kind.choices])
    observed_at = forms.DateTimeField(
        label="Observed at (UTC)", widget=forms.DateTimeInput({"type": "datetime-local", "step": "1"})
    )
    environment = forms.ChoiceField(required=False, choices=ENVIRONMENTS)
    release = forms.CharField(required=False, max_length=200)
    command = forms.CharField(
        required=False,
        max_length=4_096,
        help_text="What was run, if anything.",
        widget=forms.TextInput({"class": "mono"}),
    )
    text = LongText(
        required=False,
        strip=False,
        label="Text or output",
        widget=forms.Textarea({"class": "mono", "rows": 3}),
        validators=[not_too_large],
    )

    def clean(self) -> dict[str, Any]:
        super().clean()
        said = self.cleaned_data
        if not said.get("text", "").strip() and not said.get("command", "").strip() and "text" not in self.errors:
            self.add_error("text", "Say what was observed.")
        return said

    @property
    def piece(self) -> NewEvidence:
        """The service's input."""
        return NewEvidence(**self.cleaned_data)


class LaterEvidenceForm(EvidenceForm):
    """An observation that comes later: it may refresh an earlier piece, or speak against the draft."""

    contradicts = forms.BooleanField(
        required=False,
        label="It contradicts the hypothesis of the draft",
        help_text="What was signed is void, and nothing is signed until the draft takes it into account.",
    )

    def __init__(self, *args: Any, refs: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["refreshes"] = forms.ChoiceField(
            required=False,
            label="Observes again",
            help_text="The piece that this one refreshes: the same thing, seen now.",
            choices=[("", "Nothing: it is new"), *((ref, ref) for ref in refs)],
        )


class Pieces(PiecesBase):
    """Any number of observations; rows that stay empty do not count, wherever they stand."""

    def initial_form_count(self) -> int:
        return 0

    def total_form_count(self) -> int:
        return super().total_form_count() if self.is_bound else min(len(self.initial or ()) + ROWS, PIECES)


EvidenceForms = forms.formset_factory(
    EvidenceForm, formset=Pieces, max_num=PIECES, absolute_max=PIECES, validate_max=True
)


class CloseForm(forms.Form):
    """The end of a ticket, in words."""

    resolution = LongText(
        required=False,
        max_length=10_000,
        widget=forms.Textarea({"rows": 3}),
        label="How it was resolved",
        help_text="Empty keeps what the ticket says.",
    )


def more_rows(typed: QueryDict, categories: Sequence[Category]) -> tuple[TicketForm, Any]:
    """The form of a new ticket with everything typed so far, not judged yet, and room for more evidence."""
    count = min(_number(typed.get("evidence-TOTAL_FORMS")), PIECES)
    rows = [
        {name: typed.get(f"evidence-{row}-{name}", "") for name in EvidenceForm.base_fields} for row in range(count)
    ]
    return TicketForm(initial=typed.dict(), categories=categories), EvidenceForms(prefix="evidence", initial=rows)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 5 else ROWS  # noqa: PLR2004
