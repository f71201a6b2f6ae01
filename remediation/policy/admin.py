"""Policies at the settings pages, for those who may configure the category."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from portal.access import grants
from portal.access.pages import person_of
from portal.audit.admin import AnyForm, Audited
from portal.jobs import services as jobs
from remediation.policy.forms import PolicyForm
from remediation.policy.models import CategoryPolicy


@admin.register(CategoryPolicy)
class CategoryPolicyAdmin(Audited):
    """One policy per category; without one a category is people only."""

    form = PolicyForm
    list_display = ("category", "is_enabled", "min_reliability", "auto_approve_threshold", "max_actions_per_hour")
    list_select_related = ("category",)
    fieldsets = (
        (None, {"fields": ("category", "is_enabled")}),
        ("Minimums", {"fields": ("min_confidence", "min_reliability", "min_similar_tickets", "min_feedback_rate")}),
        ("Scope", {"fields": ("allowed_action_types", "allowed_systems", "forbidden_commands")}),
        (
            "When",
            {"fields": ("hours_start", "hours_end", "zone", "days", "max_actions_per_hour", "max_failures_in_a_row")},
        ),
        ("People", {"fields": ("requires_approval", "auto_approve_threshold", "machine_share", "approvers")}),
        ("Stages", {"fields": ("canary", "wave_growth", "side_by_side", "watch_minutes", "error_budget")}),
        (
            "Safety",
            {
                "fields": (
                    "requires_rollback_plan",
                    "requires_backup",
                    "evidence_max_age_minutes",
                    "plan_valid_minutes",
                    "preflight_valid_minutes",
                )
            },
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: CategoryPolicy | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or grants.of(person_of(request)).may("configure", obj.category_id))

    def get_readonly_fields(self, request: HttpRequest, obj: CategoryPolicy | None = None) -> tuple[str, ...]:
        return ("category",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: AnyForm, change: bool) -> None:  # noqa: FBT001 - Django's
        if form.has_changed():
            obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)
        jobs.publish("policy.changed", subject_id=obj.category_id, at=timezone.now())
