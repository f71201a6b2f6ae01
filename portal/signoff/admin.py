"""Freezes are planned at the settings pages; the emergency stop has a page of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.access.pages import person_of
from portal.audit.admin import AnyForm, Audited, ReadOnly
from portal.signoff.models import Freeze, Stop


@admin.register(Freeze)
class FreezeAdmin(Audited):
    """A freeze ends early by moving its end; it is never deleted."""

    list_display = ("reason", "category", "starts_at", "ends_at", "created_by")
    list_filter = ("category",)
    list_select_related = ("category", "created_by")
    fieldsets = ((None, {"fields": ("category", "reason", "starts_at", "ends_at"), "description": "Times are UTC."}),)
    formfield_overrides: ClassVar = {
        **Audited.formfield_overrides,
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        },
    }

    def save_model(self, request: HttpRequest, obj: Freeze, form: AnyForm, change: bool) -> None:  # noqa: FBT001 - Django's
        if not change:
            obj.created_by = person_of(request)
        super().save_model(request, obj, form, change)


@admin.register(Stop)
class StopAdmin(ReadOnly):
    """Engaged and released on its page, which takes two people."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("stop")

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        return redirect("stop")
