"""What the list of patterns is narrowed to."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms

from portal.estate.models import Category

MOST = 2**31 - 1


class Narrow(forms.Form):
    """A category, and how often a pattern must have come."""

    category = forms.ChoiceField(required=False)
    min_occurrences = forms.IntegerField(label="Seen at least", min_value=0, max_value=MOST, required=False)

    def __init__(self, *args: object, categories: Iterable[Category], **kwargs: object) -> None:
        """Offers the categories that the person may see."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own arguments
        self.fields["category"] = forms.ChoiceField(
            required=False, choices=[("", "All"), *((each.slug, each.name) for each in categories)]
        )
