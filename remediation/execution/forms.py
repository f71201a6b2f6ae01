"""What a person types into the pages of a run."""

from __future__ import annotations

from django import forms

from portal.kit.fields import LongText
from remediation.execution.logbook import Narrowed
from remediation.execution.records import Phase
from remediation.execution.services import Report

SAID = [("yes", "As expected"), ("no", "Not as expected"), ("not_run", "Not run")]


class ReportForm(forms.Form):
    """One report on one phase. Whether it is complete is the service's to say."""

    fence = forms.IntegerField()
    number = forms.IntegerField()
    phase = forms.ChoiceField(choices=Phase.choices)
    said = forms.ChoiceField(choices=SAID)
    output = LongText(required=False, strip=False)
    check = LongText(required=False, strip=False)

    @property
    def report(self) -> Report:
        """The report as the service takes it."""
        values = self.cleaned_data
        return Report(values["number"], values["phase"], values["said"], values["output"], values["check"])


class LogForm(forms.Form):
    """What the log is narrowed to."""

    step = forms.IntegerField(required=False, min_value=1, max_value=999_999_999)
    phase = forms.ChoiceField(choices=[("", "All phases"), *Phase.choices], required=False)
    only_failures = forms.BooleanField(required=False, label="Only what was not good")

    @property
    def narrowed(self) -> Narrowed:
        """The same as the log takes it."""
        return Narrowed(**self.cleaned_data)
