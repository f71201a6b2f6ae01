"""Addresses of the patterns API, below /api/v1/."""

from django.urls import path

from patterns import api

urlpatterns = [path("patterns", api.PatternList.as_view())]
