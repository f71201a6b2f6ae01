"""Addresses of the figures, of incident bundles and of the API's description of itself, below /api/v1/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from portal.dashboard import api, pages
from portal.dashboard.bundle.api import IncidentBundle

urlpatterns = [
    path("tickets/<str:ticket_id>/bundle", IncidentBundle.as_view()),
    path("stats/reliability", api.Reliability.as_view()),
    path("stats/auto-remediation", api.AutoRemediation.as_view()),
    path("docs", pages.api_reference, name="api_reference"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
]
