"""Addresses of the policy pages."""

from django.urls import path

from remediation.policy import brake_views, views

urlpatterns = [
    path("brakes", brake_views.brakes, name="brakes"),
    path("brakes/<int:brake_id>/release", brake_views.release, name="brake-release"),
    path("policies", views.policies, name="policies"),
    path("policies/<slug:slug>", views.policy, name="policy"),
]
