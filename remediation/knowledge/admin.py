"""Runbooks in the admin: read, and switched on or off through the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.access.models import Person
from portal.kit.refusals import StaleTransition
from remediation.knowledge import services
from remediation.knowledge.models import Runbook

if TYPE_CHECKING:
    RunbookModelAdmin = admin.ModelAdmin[Runbook]
else:
    RunbookModelAdmin = admin.ModelAdmin


@admin.register(Runbook)
class RunbookAdmin(RunbookModelAdmin):
    """The text comes with the product; what an installation decides is which runbooks drafters may use."""

    list_display = ("title", "slug", "category_slug", "version", "is_active", "loaded_at")
    list_filter = ("is_active", "category_slug")
    search_fields = ("title", "slug", "text")
    readonly_fields = ("slug", "title", "category_slug", "version", "text", "role", "digest", "is_active", "loaded_at")
    actions = ("switch_on", "switch_off")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Runbook | None = None) -> bool:
        return False

    @admin.action(description="Let drafters use the selected runbooks", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Runbook]) -> None:
        """Switch on, one by one."""
        self._switch(request, queryset, is_active=True)

    @admin.action(description="Keep drafters from the selected runbooks", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Runbook]) -> None:
        """Switch off, one by one."""
        self._switch(request, queryset, is_active=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Runbook], *, is_active: bool) -> None:
        actor = cast("Person", request.user).at("admin")
        for runbook in queryset:
            try:
                services.switch(runbook.pk, is_active=is_active, actor=actor, at=timezone.now())
            except StaleTransition as already:
                self.message_user(request, str(already), messages.WARNING)
