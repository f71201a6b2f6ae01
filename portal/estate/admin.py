"""Categories, services and targets at the settings pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from guardian.models import GroupObjectPermission, UserObjectPermission

from portal.audit import services as audit
from portal.audit.admin import AnyForm, Audited, actor_of
from portal.estate.models import Category, Sensitivity, Service, Signal, Target
from portal.kit.actors import Ref

if TYPE_CHECKING:
    ServiceModelForm = forms.ModelForm[Service]
    Inline = admin.StackedInline[Signal, Service]
else:
    ServiceModelForm = forms.ModelForm
    Inline = admin.StackedInline


@admin.register(Category)
class CategoryAdmin(Audited):
    """A category is switched off, never deleted: tickets speak of it."""

    list_display = ("name", "slug", "position", "is_active")
    list_filter = ("is_active",)
    fields = ("name", "slug", "position", "is_active", "granted")
    readonly_fields = ("granted",)

    @admin.display(description="Granted in this category only")
    def granted(self, category: Category) -> SafeString | str:
        """Who may do what here beyond their roles; `manage.py grant` gives and takes."""
        here = {"content_type": ContentType.objects.get_for_model(Category), "object_pk": str(category.pk)}
        people = UserObjectPermission.objects.filter(**here).values_list("user__username", "permission__name")
        groups = GroupObjectPermission.objects.filter(**here).values_list("group__name", "permission__name")
        lines = sorted([*people, *groups])
        return format_html_join("", "<div>{}: {}</div>", lines) or "Nothing: roles decide."


class ServiceForm(ServiceModelForm):
    """Sensitivity as boxes to tick."""

    sensitivity = forms.MultipleChoiceField(
        choices=Sensitivity.choices, required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Service
        fields = ("slug", "name", "owner_group", "sensitivity")


class SignalInline(Inline):
    """The watched signals of a service, below its own fields."""

    model = Signal
    extra = 0
    verbose_name_plural = "signals watched while a change rolls out"
    fields = (
        ("name", "about", "kind"),
        "query",
        ("connector", "tool", "field"),
        "arguments",
        ("relation", "threshold", "unit"),
    )
    formfield_overrides: ClassVar = {models.JSONField: {"widget": AdminTextInputWidget}}


@admin.register(Service)
class ServiceAdmin(Audited):
    """A service, its owners and the signals that say whether it is well."""

    form = ServiceForm
    inlines = (SignalInline,)
    list_display = ("name", "slug", "owner_group", "sensitivity")
    list_select_related = ("owner_group",)
    search_fields = ("name", "slug")

    def save_related(self, request: HttpRequest, form: AnyForm, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        before = _signals_of(form.instance)
        super().save_related(request, form, formsets, change)
        after = _signals_of(form.instance)
        if before != after:
            subject = Ref(self.opts.label_lower, form.instance.pk, str(form.instance))
            data = {"before": {"signals": before}, "after": {"signals": after}}
            audit.record(
                "service.signals_changed", actor=actor_of(request), at=timezone.now(), subject=subject, data=data
            )


def _signals_of(service: Service) -> list[dict[str, str]]:
    """The signals as an event keeps them."""
    rows = Signal.objects.filter(service=service).values()
    return [{name: str(value) for name, value in row.items() if name not in {"id", "service_id"}} for row in rows]


@admin.register(Target)
class TargetAdmin(Audited):
    """Something that an operation can touch."""

    list_display = ("identity", "name", "connector", "service", "environment", "is_lab")
    list_filter = ("environment", "connector", "is_lab")
    list_select_related = ("service",)
    search_fields = ("identity", "name")
