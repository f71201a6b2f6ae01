"""The settings pages: Django's admin, entered and left by the same doors as every other page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


class SettingsSite(AdminSite):
    """Signing in, signing out and changing a password leave events, so there is one page for each."""

    site_header = site_title = "Countersign"
    index_title = "Settings"
    site_url = None

    def login(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """The sign-in page, and from there back to the settings."""
        back = request.GET.get("next") or reverse("admin:index")
        return redirect(reverse("login", query={"next": back}))

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None
    ) -> HttpResponse:
        """The site's own sign-out, with the method of the request kept."""
        return redirect("logout", preserve_request=True)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None
    ) -> HttpResponse:
        """The site's own page for a new password."""
        return redirect("password_change")


class SettingsConfig(AdminConfig):
    """Makes it the site on which rooms register."""

    default_site = "portal.access.adminsite.SettingsSite"
