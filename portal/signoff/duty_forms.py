"""The form of a duty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from portal.access.models import Person
from portal.estate.models import Category
from portal.signoff.models import Duty
from portal.signoff.states import SEVERITIES

if TYPE_CHECKING:
    DutyModelForm = forms.ModelForm[Duty]
    People = forms.ModelChoiceField[Person]
else:
    DutyModelForm = forms.ModelForm
    People = forms.ModelChoiceField


class PeopleField(People):
    """Active people, by their full names."""

    def __init__(self, **kwargs: Any) -> None:
        people = Person.objects.filter(is_active=True, kind=Person.Kind.HUMAN)
        super().__init__(people, **kwargs)

    def label_from_instance(self, obj: Person) -> str:
        return obj.get_full_name()


class DutyForm(DutyModelForm):
    """For which plans who is asked first, who next, and after how long."""

    severity = forms.ChoiceField(choices=[(each, each.upper()) for each in SEVERITIES])
    category = forms.ModelChoiceField(Category.objects.all(), required=False, empty_label="All categories")
    approver = PeopleField(label="Asked first")
    backup = PeopleField(label="Backup")
    remind_after_minutes = forms.IntegerField(
        min_value=1, initial=15, label="Reminded after", help_text="Minutes from when the plan was opened."
    )
    escalate_after_minutes = forms.IntegerField(
        min_value=1, initial=30, label="Backup asked after", help_text="Minutes from when the plan was opened."
    )

    class Meta:
        """Everything a duty has."""

        model = Duty
        fields = ("severity", "category", "approver", "backup", "remind_after_minutes", "escalate_after_minutes")
