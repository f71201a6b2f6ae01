"""Addresses of the run page."""

from django.urls import path

from remediation.execution import views

urlpatterns = [
    path("tickets/<str:key>/run", views.page, name="run"),
    path("tickets/<str:key>/run/live", views.live, name="run-live"),
    path("tickets/<str:key>/run/start", views.start, name="run-start"),
    path("tickets/<str:key>/run/report", views.report, name="run-report"),
    path("tickets/<str:key>/run/take-over", views.take_over, name="run-take-over"),
    path("tickets/<str:key>/run/resume", views.resume, name="run-resume"),
    path("tickets/<str:key>/run/roll-back", views.roll_back, name="run-roll-back"),
    path("tickets/<str:key>/run/give-up", views.give_up, name="run-give-up"),
]
