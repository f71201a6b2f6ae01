"""Addresses of the inbox."""

from django.urls import path

from portal.notices import views

urlpatterns = [
    path("notices", views.inbox, name="notices"),
    path("notices/read", views.mark_read, name="notices_read"),
]
