"""The form of a webhook."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from portal.notices.addresses import LONGEST_URL
from portal.notices.kinds import KINDS
from portal.notices.models import Outlet


class WebhookForm(forms.Form):
    """What it is called, where it goes, and which kinds of notice it gets."""

    name = forms.CharField(max_length=100, help_text="What it is for, such as on-call or the ticket system.")
    url = forms.CharField(
        max_length=LONGEST_URL,
        label="Address",
        help_text="https, or http on this host and in the private networks that WEBHOOK_NETWORKS names.",
    )
    kinds = forms.MultipleChoiceField(
        choices=[(kind.slug, kind.title) for kind in KINDS.values()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None: all of them.",
    )


class ChangeWebhookForm(WebhookForm):
    """The same for one that exists; it can be off."""

    is_enabled = forms.BooleanField(
        required=False,
        label="On",
        help_text="Off: letters that wait for it are given up, new ones are not written.",
    )

    @classmethod
    def of(cls, outlet: Outlet, typed: QueryDict | None) -> ChangeWebhookForm:
        """The form with what was typed, or with what the webhook has now."""
        now = {"name": outlet.name, "url": outlet.url, "kinds": outlet.kinds, "is_enabled": outlet.is_enabled}
        return cls(typed, initial=now)
