"""Addresses of the overview and of incident bundles."""

from django.urls import path

from portal.dashboard import views
from portal.dashboard.bundle import views as bundles

urlpatterns = [
    path("overview", views.overview, name="overview"),
    path("tickets/<str:key>/bundle", bundles.ask, name="bundle_ask"),
    path("tickets/<str:key>/bundle/live", bundles.live, name="bundle_live"),
    path("tickets/<str:key>/bundle/download", bundles.download, name="bundle_download"),
]
