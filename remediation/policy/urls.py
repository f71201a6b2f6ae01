"""Addresses of the policy pages."""

from django.urls import path

from remediation.policy import views

urlpatterns = [
    path("policies", views.policies, name="policies"),
    path("policies/<slug:slug>", views.policy, name="policy"),
]
