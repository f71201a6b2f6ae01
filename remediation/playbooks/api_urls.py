"""Addresses of the pull-request API, below /api/v1/."""

from django.urls import path

from remediation.playbooks.repository import api

urlpatterns = [
    path("tickets/<str:ticket_id>/pull-request", api.PullRequestDetail.as_view()),
    path("tickets/<str:ticket_id>/pull-request/look", api.LookAtRepository.as_view()),
    path("tickets/<str:ticket_id>/pull-request/again", api.AskAgain.as_view()),
]
