"""Every address of the site: each room's own `urls` and `api_urls`, and what answers where there is nothing."""

from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    *(path("api/v1/", include(f"{room}.api_urls")) for room in settings.ROOMS if find_spec(f"{room}.api_urls")),
    *(path("", include(f"{room}.urls")) for room in settings.ROOMS if find_spec(f"{room}.urls")),
]
handler400 = "portal.kit.problems.bad_request"
handler404 = "portal.kit.problems.not_found"
handler500 = "portal.kit.problems.server_error"
