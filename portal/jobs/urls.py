"""Addresses of the jobs, of what people do with dead ones, and of what runs by the clock."""

from django.urls import path

from portal.jobs import views

urlpatterns = [
    path("jobs", views.jobs, name="jobs"),
    path("jobs/live", views.live, name="jobs_live"),
    path("jobs/retry", views.retry_kind, name="jobs_retry"),
    path("jobs/schedules", views.schedules, name="schedules"),
    path("jobs/schedules/<int:schedule_id>/switch", views.switch, name="schedule_switch"),
    path("jobs/schedules/<int:schedule_id>/period", views.set_period, name="schedule_period"),
    path("jobs/<int:job_id>", views.job, name="job"),
    path("jobs/<int:job_id>/retry", views.retry, name="job_retry"),
    path("jobs/<int:job_id>/discard", views.discard, name="job_discard"),
]
