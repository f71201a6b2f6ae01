"""Addresses of the feedback API, below /api/v1/."""

from django.urls import path

from feedback import api

urlpatterns = [path("feedback", api.FeedbackGiven.as_view())]
