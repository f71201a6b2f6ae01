"""The feedback form: stars, verdicts that may be left open, and words. It takes what the API takes."""

from __future__ import annotations

from math import ceil
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from feedback.models import Feedback
from feedback.serializers import A_YEAR_IN_MINUTES, LINE, MOST_LINES, PROSE
from feedback.services import Answer
from portal.kit.fields import LongText
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

STARS = [(1, "made it worse"), (2, "little help"), (3, "partly"), (4, "mostly"), (5, "solved it")]
ANSWERS = [("yes", "Yes"), ("no", "No"), ("", "Not said")]
MEANING = {"yes": True, "no": False}
WORDS = {True: "yes", False: "no", None: ""}
VERDICTS = ("was_helpful", "resolution_accurate", "actions_worked")


class Prose(LongText):
    """Words about a ticket, as long as somebody likes."""

    def __init__(self, *, label: str, help_text: str = "", rows: int = 2) -> None:
        """Optional, as everything in words is."""
        super().__init__(
            label=label,
            help_text=help_text,
            required=False,
            max_length=PROSE,
            widget=forms.Textarea(attrs={"rows": rows}),
        )


class Lines(Prose):
    """A list, one entry a line; empty lines do not count."""

    def clean(self, value: Any) -> Any:
        """The entries."""
        lines = [line.strip() for line in super().clean(value).split("\n") if line.strip()]
        if len(lines) > MOST_LINES:
            raise ValidationError(f"At most {MOST_LINES} lines.")
        if any(len(line) > LINE for line in lines):
            raise ValidationError(f"At most {LINE:,} characters a line.")
        return lines


class Verdict(forms.TypedChoiceField):
    """Yes, no, or not said."""

    def __init__(self, label: str) -> None:
        """A radio group that starts with nothing said."""
        super().__init__(
            label=label,
            choices=ANSWERS,
            coerce=MEANING.__getitem__,
            empty_value=None,
            required=False,
            widget=forms.RadioSelect,
        )


class FeedbackForm(forms.Form):
    """One person's answer about one ticket."""

    rating = forms.TypedChoiceField(
        label="How well did it work?",
        choices=STARS,
        coerce=int,
        error_messages={"required": "Choose one to five stars."},
    )
    feedback_type = forms.ChoiceField(
        label="All in all",
        choices=Feedback.Type.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose positive, negative or neutral."},
    )
    was_helpful = Verdict("Did it help?")
    resolution_accurate = Verdict("Was the resolution right?")
    actions_worked = Verdict("Did the actions work?")
    comment = Prose(label="Comment")
    what_worked = Prose(label="What worked")
    what_didnt_work = Prose(label="What did not work")
    suggestions = Prose(label="Suggestions")
    actual_resolution = Prose(label="What really resolved it")
    actual_actions_taken = Lines(label="What was really done", help_text="One action a line.", rows=3)
    time_to_resolve = forms.IntegerField(
        label="Time to resolve",
        help_text="In minutes, from the opening of the ticket.",
        min_value=0,
        max_value=A_YEAR_IN_MINUTES,
        required=False,
    )

    @property
    def answer(self) -> Answer:
        """What the service takes; only of a valid form."""
        return Answer(**self.cleaned_data)


def suggested(ticket: Ticket) -> dict[str, Any]:
    """What the form fills in by itself: how long it took from the opening of a ticket until it was resolved."""
    if ticket.status != TicketStatus.RESOLVED or ticket.finished_at is None:
        return {}
    minutes = ceil((ticket.finished_at - ticket.opened_at).total_seconds() / 60)
    return {"time_to_resolve": min(minutes, A_YEAR_IN_MINUTES)}


def said(row: Feedback | None) -> dict[str, Any]:
    """An earlier answer as the form shows it."""
    if row is None:
        return {}
    values = {name: getattr(row, name) for name in FeedbackForm.base_fields}
    verdicts = {name: WORDS[values[name]] for name in VERDICTS}
    return {**values, **verdicts, "actual_actions_taken": "\n".join(row.actual_actions_taken)}
