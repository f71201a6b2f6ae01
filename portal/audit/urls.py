"""Addresses of the audit trail."""

from django.urls import path

from portal.audit import views

urlpatterns = [
    path("audit", views.trail, name="audit"),
    path("audit/<int:event_id>", views.event, name="audit_event"),
]
