"""Addresses of the operations pages."""

from django.urls import path

from remediation.wayback import views

urlpatterns = [
    path("operations", views.operations, name="operations"),
    path("operations/<slug:name>", views.operation, name="operation"),
]
