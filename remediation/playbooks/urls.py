"""Addresses of what a ticket's pages post about its pull request."""

from django.urls import path

from remediation.playbooks.repository import views

urlpatterns = [
    path("tickets/<str:key>/request/look", views.look, name="request_look"),
    path("tickets/<str:key>/request/again", views.again, name="request_again"),
]
