"""The pages of those who look after the jobs: queues and clusters, dead jobs, one job, what runs by the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.jobs import mending, reading
from portal.jobs import schedules as clock
from portal.jobs.models import Job, Schedule
from portal.jobs.registry import QUEUES
from portal.kit.paging import neighbours, page_of
from portal.kit.refusals import NotAllowed, Refusal, Refused, because

PAGE = 25
LONGEST_NUMBER = 9


@require_safe
@login_required
def jobs(request: HttpRequest) -> HttpResponse:
    """Every queue with its figures and clusters, and a page of dead jobs."""
    return _jobs(request)


@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    """The queues as they stand now."""
    mending.refuse_strangers(person_of(request))
    return render(request, "jobs/_queues.html", {"queues": reading.queues()})


@require_safe
@login_required
def job(request: HttpRequest, job_id: int) -> HttpResponse:
    """One job with everything that is known of it."""
    return _job(request, job_id)


@require_POST
@login_required
def retry(request: HttpRequest, job_id: int) -> HttpResponse:
    """One dead job is tried again."""
    _found(request, job_id)
    return _do(
        request,
        lambda: mending.retry(job_id, **_who(request)),
        done=lambda again: f"{again} waits again.",
        shown=lambda refusal: _job(request, job_id, refusal),
    )


@require_POST
@login_required
def discard(request: HttpRequest, job_id: int) -> HttpResponse:
    """One dead job is put away, with a reason."""
    _found(request, job_id)
    reason = request.POST.get("reason", "")
    return _do(
        request,
        lambda: mending.discard(job_id, reason=reason, **_who(request)),
        done=lambda gone: f"{gone} is put away.",
        shown=lambda refusal: _job(request, job_id, refusal),
    )


@require_POST
@login_required
def retry_kind(request: HttpRequest) -> HttpResponse:
    """Every dead job of one kind is tried again."""
    kind = request.POST.get("kind", "").replace("\x00", "")
    return _do(
        request,
        lambda: mending.retry_kind(kind, **_who(request)),
        done=lambda count: f"{count} of {kind} wait again.",
        shown=lambda refusal: _jobs(request, refusal),
    )


@require_safe
@login_required
def schedules(request: HttpRequest) -> HttpResponse:
    """What runs by the clock."""
    return _schedules(request)


@require_POST
@login_required
def switch(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """One schedule is turned on or off."""
    _found_schedule(request, schedule_id)
    on = request.POST.get("on") == "yes"
    return _do(
        request,
        lambda: clock.switch(schedule_id, on=on, **_who(request)),
        done=lambda schedule: f"{schedule} is {'on' if on else 'off'}.",
        shown=lambda refusal: _schedules(request, refusal),
        to="schedules",
    )


@require_POST
@login_required
def set_period(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """One schedule runs more often, or less."""
    _found_schedule(request, schedule_id)
    seconds = request.POST.get("every_seconds", "")
    return _do(
        request,
        lambda: clock.set_period(schedule_id, every_seconds=_number(seconds), **_who(request)),
        done=lambda schedule: f"{schedule} runs every {schedule.every_seconds} seconds.",
        shown=lambda refusal: _schedules(request, refusal),
        to="schedules",
    )


def _do(
    request: HttpRequest,
    verb: Callable[[], Any],
    *,
    done: Callable[[Any], str],
    shown: Callable[[Refusal], HttpResponse],
    to: str = "jobs",
) -> HttpResponse:
    """The verb, and then the list; a refusal that is not about the person is shown on the page it came from."""
    try:
        result = verb()
    except NotAllowed:
        raise
    except Refusal as refusal:
        return shown(refusal)
    messages.success(request, done(result))
    return redirect(to)


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"person": person_of(request), "door": "page", "at": timezone.now()}


def _found(request: HttpRequest, job_id: int) -> Job:
    """The job, for those who look after them; strangers do not learn which there are."""
    mending.refuse_strangers(person_of(request))
    return get_object_or_404(Job, pk=job_id)


def _found_schedule(request: HttpRequest, schedule_id: int) -> Schedule:
    clock.refuse_strangers(person_of(request))
    return get_object_or_404(Schedule, pk=schedule_id)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_NUMBER:
        raise Refused(because("invalid", "Say every how many seconds, as a whole number.", "every_seconds"))
    return int(text)


def _jobs(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    person = person_of(request)
    mending.refuse_strangers(person)
    asked = request.GET.get("queue", "")
    queue = asked if asked in QUEUES else ""
    dead = reading.jobs(queue=queue)
    page = page_of(dead, order=["-id"], after=request.GET.get("after"), size=PAGE)
    context = {
        "queues": reading.queues(),
        "rows": reading.rows(page.items, person),
        "kinds": reading.dead_kinds(),
        "tabs": [_tab("All", "", queue), *(_tab(each, each, queue) for each in QUEUES)],
        "may_mend": person.has_perm(mending.MENDS),
        "may_look_at_schedules": person.has_perm(clock.LOOKS),
        "refusal": refusal,
        **neighbours(page, request.GET),
    }
    return render(request, "jobs/list.html", context, status=refusal.status if refusal else 200)


def _tab(label: str, queue: str, chosen: str) -> dict[str, Any]:
    url = f"{reverse('jobs')}?queue={queue}#dead-title" if queue else reverse("jobs")
    return {"label": label, "url": url, "current": queue == chosen}


def _job(request: HttpRequest, job_id: int, refusal: Refusal | None = None) -> HttpResponse:
    person = person_of(request)
    (row,) = reading.rows([_found(request, job_id)], person)
    context = {
        "row": row,
        "job": row.job,
        "may_mend": person.has_perm(mending.MENDS),
        "refusal": refusal,
        "crumbs": [("Jobs", reverse("jobs")), (str(row.job), "")],
    }
    return render(request, "jobs/job.html", context, status=refusal.status if refusal else 200)


def _schedules(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    person = person_of(request)
    clock.refuse_strangers(person)
    context = {
        "schedules": reading.schedules(),
        "may_change": person.has_perm(clock.CHANGES),
        "refusal": refusal,
        "crumbs": [("Jobs", reverse("jobs")), ("By the clock", "")],
    }
    return render(request, "jobs/schedules.html", context, status=refusal.status if refusal else 200)
