"""The ledger in the admin: read-only. Dead jobs can be tried again and schedules switched, by the services."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import django_q.admin  # noqa: F401 - registers what is taken away below
from django.contrib import admin, messages
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django_q.models import Failure, Success
from django_q.models import Schedule as DjangoQSchedule

from portal.access.models import Person
from portal.audit.admin import ReadOnly
from portal.jobs import mending, schedules
from portal.jobs.models import ClusterBeat, Job, Schedule
from portal.jobs.states import State
from portal.kit.refusals import Refusal

_SHOWN = 10_000

for model in (DjangoQSchedule, Success, Failure):
    admin.site.unregister(model)  # django-q2's own pages resubmit any task, past every gate


@admin.register(Job)
class JobAdmin(ReadOnly):
    """The newest jobs, and every dead one: what is older and done is history that nobody pages through."""

    list_display = ("id", "kind", "subject_id", "queue", "state", "attempts", "due_at", "started_at", "result", "error")
    list_filter = ("state", "queue")
    actions = ("try_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        newest = Job.objects.aggregate(newest=Max("pk"))["newest"] or 0
        return super().get_queryset(request).filter(Q(pk__gt=newest - _SHOWN) | Q(state=State.DEAD))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return _actor_may(request, "jobs.change_job")

    @admin.action(description="Try again (dead jobs)", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        who: Any = {"person": request.user, "door": "admin", "at": timezone.now()}
        for pk in queryset.values_list("pk", flat=True):
            _do(request, f"Job {pk} waits again.", partial(mending.retry, pk, **who))


@admin.register(Schedule)
class ScheduleAdmin(ReadOnly):
    """What runs by the clock."""

    list_display = ("name", "kind", "every_seconds", "next_at", "is_enabled", "error")
    actions = ("turn_on", "turn_off")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return _actor_may(request, "jobs.change_schedule")

    @admin.action(description="Turn on", permissions=["switch"])
    def turn_on(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        self._switch(request, queryset, on=True)

    @admin.action(description="Turn off", permissions=["switch"])
    def turn_off(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        self._switch(request, queryset, on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Schedule], *, on: bool) -> None:
        who: Any = {"person": request.user, "door": "admin", "at": timezone.now()}
        for schedule in queryset:
            done = f"{schedule} is {'on' if on else 'off'}."
            _do(request, done, partial(schedules.switch, schedule.pk, on=on, **who))


@admin.register(ClusterBeat)
class ClusterBeatAdmin(ReadOnly):
    """Which worker clusters there are, and whether they are alive."""

    list_display = ("queue", "host", "pid", "job_id", "replaces", "started_at", "beat_at")


def _actor_may(request: HttpRequest, permission: str) -> bool:
    return bool(cast("Person", request.user).has_perm(permission))


def _do(request: HttpRequest, done: str, verb: Callable[[], object]) -> None:
    try:
        verb()
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
