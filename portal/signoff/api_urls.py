"""Addresses of delegations and of the emergency stop, below /api/v1/."""

from django.urls import path

from portal.signoff import api, stop_api

urlpatterns = [
    path("delegations", api.Delegations.as_view()),
    path("delegations/<int:delegation_id>", api.OneDelegation.as_view()),
    path("stops", stop_api.Stops.as_view()),
    path("stops/<int:stop_id>/release", stop_api.StopRelease.as_view()),
]
