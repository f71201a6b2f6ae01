"""The forms of the room: an emergency stop, a freeze, a delegation, a rule of quorum. Services say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group

from portal.access.models import Person
from portal.estate.models import Category
from portal.kit.labels import label_of
from portal.signoff.models import QuorumRule
from portal.signoff.states import RISKS, SEVERITIES, Stage

if TYPE_CHECKING:
    RuleModelForm = forms.ModelForm[QuorumRule]
else:
    RuleModelForm = forms.ModelForm

WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
EVERY_CATEGORY = "All categories"


class StopForm(forms.Form):
    """What to stop, everything unless something narrower is chosen, and why."""

    reason = forms.CharField(
        max_length=500, label="Why", help_text="Everybody reads this on every page until the stop is released."
    )

    def __init__(self, *args: Any, scopes: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"] = forms.ChoiceField(label="What to stop", choices=scopes)
        self.order_fields(["scope", "reason"])


class FreezeForm(forms.Form):
    """What is frozen, from when until when, and why."""

    category = forms.ModelChoiceField(Category.objects.all(), required=False, empty_label=EVERY_CATEGORY)
    starts_at = forms.DateTimeField(label="From", widget=WHEN, help_text="UTC.")
    ends_at = forms.DateTimeField(label="Until", widget=WHEN, help_text="UTC.")
    reason = forms.CharField(
        max_length=500, label="Why", help_text="Whoever wants to sign a rollout in this time reads it."
    )


class DelegationForm(forms.Form):
    """Who signs in one's stead, where, from when until when, and why."""

    to = forms.ModelChoiceField(
        Person.objects.none(),
        empty_label="Choose somebody",
        label="Who signs for you",
        help_text="With your signing rights and nothing else of yours.",
    )
    category = forms.ModelChoiceField(
        Category.objects.all(), required=False, empty_label="All categories in which you may sign"
    )
    starts_at = forms.DateTimeField(label="From", widget=WHEN, help_text="UTC.")
    ends_at = forms.DateTimeField(label="Until", widget=WHEN, help_text="UTC; 90 days at most.")
    reason = forms.CharField(max_length=500, label="Why")

    def __init__(self, *args: Any, giver: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Person.objects.filter(is_active=True, kind=Person.Kind.HUMAN).exclude(pk=giver.pk)
        field: forms.ModelChoiceField[Person] = self.fields["to"]  # type: ignore[assignment]  # declared above
        field.queryset = others


class RuleForm(RuleModelForm):
    """For which plans how many people sign, and a group that has to be among them."""

    stage = forms.ChoiceField(
        choices=[(Stage.MERGE, "merge"), (Stage.ROLLOUT, "rollout"), (Stage.GRANT, "grant of a certificate")]
    )
    category = forms.ModelChoiceField(Category.objects.all(), required=False, empty_label=EVERY_CATEGORY)
    risk = forms.ChoiceField(
        choices=[("", "Every risk"), *((each, label_of("risk", each).text) for each in RISKS)], required=False
    )
    severity = forms.ChoiceField(
        choices=[("", "Every severity"), *((each, label_of("severity", each).text) for each in SEVERITIES)],
        required=False,
    )
    needed = forms.IntegerField(label="People", min_value=1, max_value=9, initial=2)
    group = forms.ModelChoiceField(
        Group.objects.order_by("name"), required=False, empty_label="Nobody in particular", label="One of them from"
    )

    class Meta:
        """Everything a rule has."""

        model = QuorumRule
        fields = ("stage", "category", "risk", "severity", "needed", "group")
