"""Addresses of the feedback pages."""

from django.urls import path

from feedback import views

urlpatterns = [
    path("tickets/<str:key>/feedback", views.page, name="feedback"),
    path("tickets/<str:key>/feedback/live", views.live, name="feedback_live"),
]
