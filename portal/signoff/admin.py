"""Freezes and the emergency stop have pages of their own, and lead there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.audit.admin import ReadOnly
from portal.signoff.models import Freeze, Stop


class _HasItsPage(ReadOnly):
    """Begun and ended on its page, through the services."""

    page = ""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect(self.page)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        return redirect(self.page)


@admin.register(Freeze)
class FreezeAdmin(_HasItsPage):
    """Planned and ended on its page."""

    page = "freezes"


@admin.register(Stop)
class StopAdmin(_HasItsPage):
    """Engaged and released on its page, which takes two people."""

    page = "stop"
