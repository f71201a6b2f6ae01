"""Categories, services and targets at the settings pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from guardian.models import GroupObjectPermission, UserObjectPermission

from portal.audit.admin import Audited
from portal.estate.models import Category, Sensitivity, Service, Target

if TYPE_CHECKING:
    ServiceModelForm = forms.ModelForm[Service]
else:
    ServiceModelForm = forms.ModelForm


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
    """Sensitivity as boxes to tick, signals one per line."""

    sensitivity = forms.MultipleChoiceField(
        choices=Sensitivity.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    signals = forms.CharField(
        required=False, widget=forms.Textarea, help_text="Signals to watch while a change rolls out, one per line."
    )

    class Meta:
        model = Service
        fields = ("slug", "name", "owner_group", "sensitivity", "signals")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["signals"] = "\n".join(map(str, self.instance.signals))

    def clean_signals(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["signals"].splitlines() if line.strip()]


@admin.register(Service)
class ServiceAdmin(Audited):
    """A service and its owners."""

    form = ServiceForm
    list_display = ("name", "slug", "owner_group", "sensitivity")
    list_select_related = ("owner_group",)
    search_fields = ("name", "slug")


@admin.register(Target)
class TargetAdmin(Audited):
    """Something that an operation can touch."""

    list_display = ("identity", "name", "connector", "service", "environment", "is_lab")
    list_filter = ("environment", "connector", "is_lab")
    list_select_related = ("service",)
    search_fields = ("identity", "name")
