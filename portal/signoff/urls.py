"""Addresses of the emergency stop."""

from django.urls import path

from portal.signoff import views

urlpatterns = [
    path("stop", views.stop, name="stop"),
    path("stop/engage", views.engage, name="stop_engage"),
    path("stop/<int:stop_id>/release", views.release, name="stop_release"),
]
