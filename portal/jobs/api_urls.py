"""Addresses of the jobs, below /api/v1/."""

from django.urls import path

from portal.jobs import api

urlpatterns = [
    path("jobs", api.Jobs.as_view()),
    path("jobs/queues", api.Queues.as_view()),
    path("jobs/retry", api.RetryKind.as_view()),
    path("jobs/<int:job_id>", api.OneJob.as_view()),
    path("jobs/<int:job_id>/retry", api.Retry.as_view()),
    path("jobs/<int:job_id>/discard", api.Discard.as_view()),
]
