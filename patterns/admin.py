"""Patterns in the settings: read only. Their figures are a fold over what happened; nobody types them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from patterns.models import Pattern

if TYPE_CHECKING:
    PatternModelAdmin = admin.ModelAdmin[Pattern]
else:
    PatternModelAdmin = admin.ModelAdmin


@admin.register(Pattern)
class PatternAdmin(PatternModelAdmin):
    """Every kind of incident."""

    list_display = [
        "title",
        "category",
        "occurrences",
        "feedback_count",
        "executed_count",
        "is_eligible",
        "standing_at",
    ]
    list_filter = ["is_eligible", "category"]
    list_select_related = ["category"]
    search_fields = ["title"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Pattern | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Pattern | None = None) -> bool:
        return False
