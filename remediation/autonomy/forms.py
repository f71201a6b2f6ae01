"""Forms of certificates: which ones to list, for how long to ask, why to take one back."""

from __future__ import annotations

from django import forms
from django.conf import settings

from remediation.autonomy.asking import LONGEST
from remediation.autonomy.presenting import STATES


class Narrow(forms.Form):
    """Which certificates."""

    state = forms.ChoiceField(choices=[("", "All"), *STATES.items()], required=False)


def default_days() -> int:
    """How long a certificate lasts unless somebody says otherwise."""
    days: int = settings.CERTIFICATE_DAYS
    return days


class Ask(forms.Form):
    """For how long."""

    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST.days,
        label="Days",
        initial=default_days,
        help_text="After that it is asked for and granted anew.",
    )


class Sign(forms.Form):
    """What the granter adds."""

    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    comment = forms.CharField(required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}))


class TakeBack(forms.Form):
    """Why it is taken back."""

    reason = forms.CharField(max_length=2_000, label="Why")
