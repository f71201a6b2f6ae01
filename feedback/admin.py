"""Feedback in the settings: read only. People change their own answer on its page, where it is learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from feedback.models import Feedback

if TYPE_CHECKING:
    FeedbackModelAdmin = admin.ModelAdmin[Feedback]
else:
    FeedbackModelAdmin = admin.ModelAdmin


@admin.register(Feedback)
class FeedbackAdmin(FeedbackModelAdmin):
    """Every answer."""

    list_display = [
        "ticket",
        "person",
        "feedback_type",
        "rating",
        "resolution_accurate",
        "actions_worked",
        "updated_at",
    ]
    list_filter = ["feedback_type", "rating"]
    list_select_related = ["ticket", "person"]
    search_fields = ["ticket__key", "person__username"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        return False
