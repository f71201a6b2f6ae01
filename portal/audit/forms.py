"""What people fill in: filters of the trail, how long bodies are kept, holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from django import forms
from django.core.validators import RegexValidator

from portal.audit.models import SHORTEST_DAYS
from portal.audit.reads import Filters
from portal.kit.actors import Door
from portal.kit.fields import LongText

SUBJECT = RegexValidator(r"\A[a-z_]+\.[a-z_]+:[0-9]{1,18}\Z", "An object is written like signoff.plan:42.")
_WIDGET = {"type": "datetime-local"}


class FilterForm(forms.Form):
    """Who, what, to what, about which ticket, through which door, when (UTC)."""

    actor = forms.CharField(max_length=80, required=False)
    kind = forms.ChoiceField(required=False, label="Action")
    subject = forms.CharField(max_length=80, required=False, label="Object", validators=[SUBJECT])
    ticket = forms.CharField(max_length=64, required=False)
    door = forms.ChoiceField(required=False, choices=[("", "Every door"), *((door, door) for door in get_args(Door))])
    since = forms.DateTimeField(required=False, label="From (UTC)", widget=forms.DateTimeInput(_WIDGET))
    until = forms.DateTimeField(required=False, label="Before (UTC)", widget=forms.DateTimeInput(_WIDGET))

    def __init__(self, *args: Any, kinds: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject"].widget.attrs["placeholder"] = "signoff.plan:42"
        self.fields["kind"] = forms.ChoiceField(
            required=False, label="Action", choices=[("", "Everything"), *((kind, kind) for kind in kinds)]
        )

    def filters(self) -> Filters:
        """What was filled in, if it makes sense; else nothing narrows."""
        given: dict[str, str | datetime | None] = self.cleaned_data if self.is_valid() else {}
        return Filters(**given)  # type: ignore[arg-type]  # the form's fields are those of Filters


class RetentionForm(forms.Form):
    """For how long bodies are kept."""

    days = forms.IntegerField(
        min_value=SHORTEST_DAYS,
        max_value=36_500,
        required=False,
        label="Days",
        help_text="Empty: for ever. Digests, and so the proof, stay in any case.",
    )


class HoldForm(forms.Form):
    """A ticket to hold, and why."""

    ticket = forms.CharField(max_length=64, label="Ticket", help_text="Its key, like INC-7.")
    reason = LongText(max_length=2_000, widget=forms.Textarea({"rows": 2}), help_text="Stands in the trail.")


class LiftForm(forms.Form):
    """Why a hold ends."""

    reason = LongText(max_length=2_000)
