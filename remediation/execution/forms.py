"""What a person types into the run page."""

from __future__ import annotations

from django import forms

from portal.kit.fields import LongText
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
