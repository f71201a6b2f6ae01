"""The form of an emergency stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms


class StopForm(forms.Form):
    """What to stop, everything unless something narrower is chosen, and why."""

    reason = forms.CharField(
        max_length=500, label="Why", help_text="Everybody reads this on every page until the stop is released."
    )

    def __init__(self, *args: Any, scopes: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"] = forms.ChoiceField(label="What to stop", choices=scopes)
        self.order_fields(["scope", "reason"])
