"""How the settings pages leave a trail: every change made there is an event, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import models
from django.db.models import Model
from django.forms import ModelForm
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from portal.audit import services as audit
from portal.audit.models import Event
from portal.audit.people import acting
from portal.kit.actors import Actor, Ref

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    AnyForm = ModelForm[Any]
else:
    ModelAdmin = admin.ModelAdmin
    AnyForm = ModelForm

SECRET = frozenset({"password", "digest", "last_login"})
"""Columns that no event repeats."""


def actor_of(request: HttpRequest) -> Actor:
    """Who is at the settings pages."""
    return acting(request, "admin")


class Audited(ModelAdmin):
    """Records what was added and changed, as it stood before and as it stands after. Nothing is deleted here."""

    formfield_overrides: ClassVar = {models.TextField: {"widget": AdminTextInputWidget}}  # names, mostly

    def save_model(self, request: HttpRequest, obj: Any, form: AnyForm, change: bool) -> None:  # noqa: FBT001 - Django's
        form.before = _values(type(obj)._default_manager.get(pk=obj.pk)) if change else {}  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: AnyForm, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        super().save_related(request, form, formsets, change)
        self._record(request, form.instance, "changed" if change else "added", form.before)  # type: ignore[attr-defined]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def _record(self, request: HttpRequest, obj: Model, verb: str, before: Mapping[str, Any]) -> None:
        after = _values(type(obj)._default_manager.get(pk=obj.pk))
        changed = [name for name, value in after.items() if value != before.get(name)]
        if verb == "changed" and not changed:
            return
        data = {
            "before": {name: before.get(name) for name in changed},
            "after": {name: after[name] for name in changed},
        }
        name = str(self.opts.verbose_name).replace(" ", "_")
        subject = Ref(self.opts.label_lower, obj.pk, str(obj))
        audit.record(f"{name}.{verb}", actor=actor_of(request), at=timezone.now(), subject=subject, data=data)


class ReadOnly(ModelAdmin):
    """Shows and changes nothing; verbs are actions that call a service."""

    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnly):
    """The trail has a page of its own."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("audit")

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        event = self.get_object(request, object_id)
        return redirect("audit_event", event_id=event.pk) if event else redirect("audit")


def _values(row: Model) -> dict[str, Any]:
    fields = [field.name for field in row._meta.get_fields() if not field.auto_created and field.name not in SECRET]
    return {name: _plain(value) for name, value in model_to_dict(row, fields=fields).items()}


def _plain(value: Any) -> Any:
    """A column's value as an event can keep it."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Model):
        return str(value)
    return value if value is None or isinstance(value, str | int) else str(value)
