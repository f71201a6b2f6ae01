"""Addresses of the room."""

from django.urls import path

from remediation.knowledge import views

urlpatterns = [
    path("runbooks", views.runbooks, name="runbooks"),
    path("runbooks/<slug:slug>", views.runbook, name="runbook"),
]
