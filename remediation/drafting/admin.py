"""Remediations at the settings pages: a list, and from each the page on which it is reviewed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.access import grants
from portal.access.pages import person_of
from portal.audit.admin import ReadOnly
from remediation.drafting.models import Remediation


@admin.register(Remediation)
class RemediationAdmin(ReadOnly):
    """What may be seen is the same as on every other page, and nothing is changed here."""

    list_display = ("ticket", "number", "category", "severity", "status", "status_at", "drafter", "risk")
    list_filter = ("status", "severity", "drafter")
    list_select_related = ("ticket", "category")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Remediation]:
        seen = grants.of(person_of(request)).categories("see")
        rows: QuerySet[Remediation] = super().get_queryset(request)
        return rows if seen is None else rows.filter(category_id__in=seen)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The review page itself, under its own rules."""
        remediation = self.get_object(request, object_id)
        if remediation is None:
            raise Http404
        return redirect("review", key=remediation.ticket.key)
