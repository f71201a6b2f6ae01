"""Addresses of the postmortem API, below /api/v1/."""

from django.urls import path

from remediation.postmortem import api

urlpatterns = [
    path("postmortems", api.PostmortemList.as_view()),
    path("tickets/<str:ticket_id>/postmortem", api.PostmortemDetail.as_view()),
    path("tickets/<str:ticket_id>/postmortem/versions", api.PostmortemVersions.as_view()),
]
