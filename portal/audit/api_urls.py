"""Addresses of the audit API, under /api/v1."""

from django.urls import path

from portal.audit import api

urlpatterns = [
    path("audit/events", api.Events.as_view()),
    path("audit/events/<int:event_id>/proof", api.EventProof.as_view()),
    path("audit/checkpoint", api.LatestCheckpoint.as_view()),
]
