"""Addresses of the run page."""

from django.urls import path

from remediation.execution import rehearsal_views, views

urlpatterns = [
    path("tickets/<str:key>/run", views.page, name="run"),
    path("tickets/<str:key>/run/live", views.live, name="run-live"),
    path("tickets/<str:key>/run/steps/<int:number>", views.step, name="run-step"),
    path("tickets/<str:key>/run/log", views.log, name="run-log"),
    path("tickets/<str:key>/run/log.<str:form>", views.download, name="run-download"),
    path("tickets/<str:key>/run/last-time", views.comparison, name="run-comparison"),
    path("tickets/<str:key>/run/start", views.start, name="run-start"),
    path("tickets/<str:key>/run/report", views.report, name="run-report"),
    path("tickets/<str:key>/run/take-over", views.take_over, name="run-take-over"),
    path("tickets/<str:key>/run/pause", views.pause, name="run-pause"),
    path("tickets/<str:key>/run/stop-after-step", views.stop_after_step, name="run-stop-after-step"),
    path("tickets/<str:key>/run/stop-now", views.stop_now, name="run-stop-now"),
    path("tickets/<str:key>/run/retry", views.retry, name="run-retry"),
    path("tickets/<str:key>/run/skip", views.skip, name="run-skip"),
    path("tickets/<str:key>/run/skip/sign", views.sign_skip, name="run-sign-skip"),
    path("tickets/<str:key>/run/resume", views.resume, name="run-resume"),
    path("tickets/<str:key>/run/roll-back", views.roll_back, name="run-roll-back"),
    path("tickets/<str:key>/run/give-up", views.give_up, name="run-give-up"),
    path("tickets/<str:key>/review/rehearse", rehearsal_views.rehearse, name="rehearse"),
]
