"""Addresses of the audit trail."""

from django.urls import path

from portal.audit import retention_views, views

urlpatterns = [
    path("audit", views.trail, name="audit"),
    path("audit/<int:event_id>", views.event, name="audit_event"),
    path("audit/export.<slug:form>", views.export, name="audit_export"),
    path("audit/retention", retention_views.page, name="audit_retention"),
    path("audit/retention/days", retention_views.set_days, name="audit_retention_days"),
    path("audit/retention/holds", retention_views.hold, name="audit_hold"),
    path("audit/retention/holds/<int:hold_id>/lift", retention_views.lift, name="audit_lift"),
]
