"""Addresses of the pattern pages."""

from django.urls import path

from patterns import views

urlpatterns = [
    path("patterns", views.patterns, name="patterns"),
    path("patterns/<int:pattern_id>", views.pattern, name="pattern"),
]
