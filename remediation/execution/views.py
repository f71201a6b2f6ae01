"""The run page: it shows where a run stands, and each of its forms asks one service for one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.models import Person
from portal.kit.refusals import Refusal, Refused, because
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.execution import services as runs
from remediation.execution import showing
from remediation.execution.forms import ReportForm
from remediation.execution.models import Run
from remediation.execution.showing import Board
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket

NOTHING_NEW = 204
BOXES = {"output": "Output", "check": "Output of the check", "reason": "Reason"}
"""What people type on this page, and what it is called."""


@require_safe
@login_required
def page(request: HttpRequest, key: str) -> HttpResponse:
    """The run of a ticket, or what it waits for."""
    return _page(request, _ticket(request, key))


@require_safe
@login_required
def live(request: HttpRequest, key: str) -> HttpResponse:
    """The part of the page that keeps itself fresh; 204 while the reader has the newest."""
    ticket = _ticket(request, key)
    context = _context(request, ticket)
    state = context.get("board") or context["waiting"]
    if request.GET.get("seen") == getattr(state, "seen", ""):
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "execution/_live.html", context)


@require_POST
@login_required
def start(request: HttpRequest, key: str) -> HttpResponse:
    """Run the signed plan by hand."""
    remediation = _remediation(_ticket(request, key))
    digest = request.POST.get("digest", "")
    return _do(
        request,
        key,
        lambda person: runs.start_by_hand(remediation.pk, digest=digest, person=person, door="page", at=timezone.now()),
    )


@require_POST
@login_required
def report(request: HttpRequest, key: str) -> HttpResponse:
    """Take down what the person saw."""
    run = _run(_ticket(request, key))
    form = ReportForm(request.POST)

    def told(person: Person) -> None:
        if not form.is_valid():
            raise Refused(*(because("invalid", f"{name}: {error}", name) for name, (error, *_) in form.errors.items()))
        fence = form.cleaned_data["fence"]
        runs.report(run.pk, fence=fence, told=form.report, person=person, door="page", at=timezone.now())

    return _do(request, key, told)


@require_POST
@login_required
def take_over(request: HttpRequest, key: str) -> HttpResponse:
    """Go on by hand with a run."""
    run = _run(_ticket(request, key))
    return _do(request, key, lambda person: runs.take_over(run.pk, person=person, door="page", at=timezone.now()))


@require_POST
@login_required
def resume(request: HttpRequest, key: str) -> HttpResponse:
    """Let a waiting run go on."""
    run = _run(_ticket(request, key))
    return _do(request, key, lambda person: runs.resume(run.pk, person=person, door="page", at=timezone.now()))


@require_POST
@login_required
def roll_back(request: HttpRequest, key: str) -> HttpResponse:
    """Undo what a waiting run has done."""
    run = _run(_ticket(request, key))
    return _do(request, key, lambda person: runs.roll_back(run.pk, person=person, door="page", at=timezone.now()))


@require_POST
@login_required
def give_up(request: HttpRequest, key: str) -> HttpResponse:
    """End a run as it stands."""
    run = _run(_ticket(request, key))
    reason = request.POST.get("reason", "").replace("\x00", "")
    return _do(
        request,
        key,
        lambda person: runs.give_up(run.pk, reason=reason, person=person, door="page", at=timezone.now()),
    )


def _do(request: HttpRequest, key: str, verb: Callable[[Person], object]) -> HttpResponse:
    """Ask a service, then show the page anew; a refusal is shown on the page, with what was typed."""
    try:
        verb(_person(request))
    except Refusal as refusal:
        return _page(request, _ticket(request, key), refusal=refusal)
    return redirect("run", key=key)


def _page(request: HttpRequest, ticket: Ticket, *, refusal: Refusal | None = None) -> HttpResponse:
    context = _context(request, ticket) | {"refusal": refusal}
    if refusal:
        context |= _typed(request.POST, context.get("board"))
    return render(request, "execution/run.html", context, status=refusal.status if refusal else 200)


def _typed(post: QueryDict, board: Board | None) -> dict[str, object]:
    """What was typed goes back into its box; where there is none any more it is shown for itself, never lost."""
    boxes = board.boxes(post.get("number", ""), post.get("phase", "")) if board else frozenset()
    typed = {name: post[name] for name in BOXES if post.get(name, "").strip()}
    return {
        "typed": {name: text for name, text in typed.items() if name in boxes},
        "kept": [(BOXES[name], text) for name, text in typed.items() if name not in boxes],
    }


def _context(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    remediation = remediations.newest(ticket)
    run = showing.newest_run(remediation) if remediation else None
    crumbs = [("Queue", "/"), (ticket.key, f"/tickets/{ticket.key}"), ("Run", "")]
    if run:
        return {"ticket": ticket, "crumbs": crumbs, "board": showing.board_of(run, _person(request))}
    waiting = showing.waiting_of(ticket, remediation, _person(request))
    return {"ticket": ticket, "crumbs": crumbs, "waiting": waiting}


def _ticket(request: HttpRequest, key: str) -> Ticket:
    return tickets.find(_person(request), key)


def _remediation(ticket: Ticket) -> Remediation:
    remediation = remediations.newest(ticket)
    if remediation is None:
        raise Http404
    return remediation


def _run(ticket: Ticket) -> Run:
    run = showing.newest_run(_remediation(ticket))
    if run is None:
        raise Http404
    return run


def _person(request: HttpRequest) -> Person:
    return cast("Person", request.user)
