"""Addresses of delegations, below /api/v1/."""

from django.urls import path

from portal.signoff import api

urlpatterns = [
    path("delegations", api.Delegations.as_view()),
    path("delegations/<int:delegation_id>", api.OneDelegation.as_view()),
]
