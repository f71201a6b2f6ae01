"""The forms of signing in, of a new token, and of what the matrix of rights shows."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from portal.access import throttle
from portal.access.models import Scope
from portal.access.pages import person_of
from portal.estate.models import Category

THROTTLED = "throttled"


class SignIn(AuthenticationForm):
    """Name and password; whoever guessed too often waits, and is told for how long."""

    error_messages = {
        "invalid_login": "This name and this password do not belong together. Both distinguish capitals.",
        "inactive": "This account is closed.",
    }

    def clean(self) -> dict[str, Any]:
        refuse_guessing(self.cleaned_data.get("username", ""), self.request)
        return super().clean()


def refuse_guessing(name: str, request: HttpRequest | None) -> None:
    """Raise ValidationError with the code `throttled` while the account cannot be tried from here."""
    left = throttle.wait(name, request, at=timezone.now()) if request else None
    if left:
        minutes = math.ceil(left / timedelta(minutes=1))
        text = f"Too many wrong passwords. Try again in {minutes} minute{'' if minutes == 1 else 's'}."
        raise forms.ValidationError(text, code=THROTTLED)


class PasswordAgain(forms.Form):
    """The password of whoever is signed in, and nothing else."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True})
    )

    def __init__(self, request: HttpRequest, data: QueryDict | None = None) -> None:
        self.request, self.person = request, person_of(request)
        super().__init__(data)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        refuse_guessing(self.person.username, self.request)
        if authenticate(self.request, username=self.person.username, password=password) != self.person:
            raise forms.ValidationError("This is not your password.")
        return password


class Place(forms.Form):
    """Which part of the matrix of rights is shown."""

    category = forms.ChoiceField(required=False)
    text = forms.CharField(required=False, max_length=80, label="Name")

    def __init__(self, query: QueryDict, categories: Sequence[Category]) -> None:
        super().__init__(query)
        named = [(category.slug, category.name) for category in categories]
        self.fields["category"] = forms.ChoiceField(required=False, choices=[("", "All categories"), *named])


class NewToken(forms.Form):
    """What the token is for, what it may do, and how long it lasts."""

    DAYS: ClassVar = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until revoked")]

    name = forms.CharField(max_length=100, label="What it is for")
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
        help_text="Never more than you.",
    )
    once = forms.CharField(max_length=32, initial=partial(secrets.token_urlsafe, 12), widget=forms.HiddenInput)
    days = forms.ChoiceField(choices=DAYS, initial="90", required=False, label="How long it lasts")

    def expires_at(self, at: datetime) -> datetime | None:
        """When a token made now ends; None for never."""
        days = self.cleaned_data["days"]
        return at + timedelta(days=int(days)) if days else None
