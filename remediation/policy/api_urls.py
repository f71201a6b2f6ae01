"""Addresses of the brakes API, below /api/v1/."""

from django.urls import path

from remediation.policy import api

urlpatterns = [
    path("brakes", api.BrakeList.as_view()),
    path("brakes/<int:brake_id>/release", api.BrakeRelease.as_view()),
]
