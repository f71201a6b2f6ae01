"""The pages of a run: they show where it stands, and each of their forms asks one service for one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access import sessions
from portal.access.models import Person
from portal.kit.paging import neighbours
from portal.kit.refusals import Refusal, Refused, because
from portal.signoff.services import Ballot
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.execution import lasttime, logbook, progress, records, showing
from remediation.execution import services as runs
from remediation.execution.forms import LogForm, ReportForm
from remediation.execution.models import Run
from remediation.execution.showing import Board
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket

NOTHING_NEW = 204
STEPS_COMPARED = 100
LONGEST_NUMBER = 9
BOXES = {
    "output": "Output",
    "check": "Output of the check",
    "reason": "Why it is given up",
    "retry_reason": "Why it may be tried again",
    "skip_reason": "Why the step is left out",
}
"""What people type on this page, and what it is called."""


@require_safe
@login_required
def page(request: HttpRequest, key: str) -> HttpResponse:
    """The run of a ticket, or what it waits for."""
    return _page(request, _ticket(request, key))


@require_safe
@login_required
def step(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """One step with everything that was said of it, at an address of its own."""
    ticket = _ticket(request, key)
    run = _run(ticket)
    if not 1 <= number <= len(records.content_of(run).steps):
        raise Http404
    board = showing.board_of(run, _person(request), at=timezone.now(), step=number, whole=True)
    crumbs = [*_crumbs(ticket), ("Run", reverse("run", args=[key])), (f"Step {number}", "")]
    return render(request, "execution/step.html", {"ticket": ticket, "board": board, "crumbs": crumbs})


@require_safe
@login_required
def live(request: HttpRequest, key: str) -> HttpResponse:
    """The part of the page that keeps itself fresh; 204 while the reader has the newest."""
    ticket = _ticket(request, key)
    run = _newest_run(ticket)
    if run and request.GET.get("seen") == showing.seen_of(run):
        return HttpResponse(status=NOTHING_NEW)
    context = _context(request, ticket)
    if not run and request.GET.get("seen") == context["waiting"].seen:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "execution/_live.html", context)


@require_safe
@login_required
def log(request: HttpRequest, key: str) -> HttpResponse:
    """What was seen and done, narrowed by step, phase and outcome, page by page."""
    ticket = _ticket(request, key)
    run, form = _run(ticket), LogForm(request.GET)
    context: dict[str, Any] = {"ticket": ticket, "run": run, "form": form}
    context["crumbs"] = [*_crumbs(ticket), ("Run", reverse("run", args=[key])), ("Log", "")]
    if not form.is_valid():
        return render(request, "execution/log.html", context, status=Refused.status)
    page = logbook.page(run, form.narrowed, after=request.GET.get("after"))
    wanted = request.GET.copy()
    wanted.pop("after", None)
    context |= {"rows": page.items, "query": wanted.urlencode(), **neighbours(page, request.GET)}
    return render(request, "execution/log.html", context)


@require_safe
@login_required
def download(request: HttpRequest, key: str, form: str) -> StreamingHttpResponse:
    """The log, narrowed in the same way, as a file."""
    run, wanted = _run(_ticket(request, key)), LogForm(request.GET)
    if form not in logbook.FORMS or not wanted.is_valid():
        raise Http404
    kind, lines = logbook.FORMS[form]
    headers = {"Content-Disposition": f'attachment; filename="{key}-run-{run.pk}.{form}"'}
    return StreamingHttpResponse(lines(run, wanted.narrowed), content_type=kind, headers=headers)


@require_safe
@login_required
def comparison(request: HttpRequest, key: str) -> HttpResponse:
    """This run beside the last one of the same pattern."""
    ticket = _ticket(request, key)
    run = _run(ticket)
    then = lasttime.last_run(run, _person(request))
    context: dict[str, Any] = {"ticket": ticket, "run": run, "then": then}
    context["crumbs"] = [*_crumbs(ticket), ("Run", reverse("run", args=[key])), ("Last time", "")]
    if then:
        window = progress.window(_number(request.GET, "step"), lasttime.longest(run, then), size=STEPS_COMPARED)
        context |= {"window": window, "both": lasttime.compare(run, then, first=window.first, last=window.last)}
    return render(request, "execution/comparison.html", context)


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


def _button(verb: Callable[..., object]) -> Callable[..., HttpResponse]:
    """A button that needs nothing but the run."""

    @require_POST
    @login_required
    def pressed(request: HttpRequest, key: str) -> HttpResponse:
        run = _run(_ticket(request, key))
        return _do(request, key, lambda person: verb(run.pk, person=person, door="page", at=timezone.now()))

    return pressed


pause = _button(runs.pause)
stop_after_step = _button(runs.stop_after_step)
stop_now = _button(runs.stop_now)
resume = _button(runs.resume)
take_over = _button(runs.take_over)
roll_back = _button(runs.roll_back)


@require_POST
@login_required
def give_up(request: HttpRequest, key: str) -> HttpResponse:
    """End a run as it stands."""
    run, reason = _run(_ticket(request, key)), _text(request, "reason")
    return _do(
        request,
        key,
        lambda person: runs.give_up(run.pk, reason=reason, person=person, door="page", at=timezone.now()),
    )


@require_POST
@login_required
def retry(request: HttpRequest, key: str) -> HttpResponse:
    """Try a step again."""
    run, number, reason = _run(_ticket(request, key)), _number(request.POST, "step"), _text(request, "retry_reason")
    return _do(
        request,
        key,
        lambda person: runs.retry(run.pk, number=number, reason=reason, person=person, door="page", at=timezone.now()),
    )


@require_POST
@login_required
def skip(request: HttpRequest, key: str) -> HttpResponse:
    """Ask somebody else to sign that a step is left out."""
    run, number, reason = _run(_ticket(request, key)), _number(request.POST, "step"), _text(request, "skip_reason")
    return _do(
        request,
        key,
        lambda person: runs.ask_to_skip(
            run.pk, number=number, reason=reason, person=person, door="page", at=timezone.now()
        ),
    )


@require_POST
@login_required
def sign_skip(request: HttpRequest, key: str) -> HttpResponse:
    """Sign what somebody else asked for: the step is left out."""
    run, digest = _run(_ticket(request, key)), _text(request, "digest")
    ballot = Ballot(
        comment=_text(request, "comment"),
        typed=_text(request, "confirm"),
        authenticated_at=sessions.authenticated_at(request),
    )
    return _do(
        request,
        key,
        lambda person: runs.sign_skip(
            run.pk, digest=digest, person=person, ballot=ballot, door="page", at=timezone.now()
        ),
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
    run, viewer = _newest_run(ticket), _person(request)
    context: dict[str, Any] = {"ticket": ticket, "crumbs": [*_crumbs(ticket), ("Run", "")]}
    if run is None:
        return context | {"waiting": showing.waiting_of(ticket, remediations.newest(ticket), viewer)}
    step, target = _number(request.GET, "step"), _number(request.GET, "target")
    return context | {"board": showing.board_of(run, viewer, at=timezone.now(), step=step, target=target)}


def _crumbs(ticket: Ticket) -> list[tuple[str, str]]:
    return [("Queue", "/"), (ticket.key, f"/tickets/{ticket.key}")]


def _number(given: QueryDict, name: str) -> int:
    """A number of the address or of a form; 0, which no step has, for what is none."""
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else 0


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "")


def _ticket(request: HttpRequest, key: str) -> Ticket:
    return tickets.find(_person(request), key)


def _remediation(ticket: Ticket) -> Remediation:
    remediation = remediations.newest(ticket)
    if remediation is None:
        raise Http404
    return remediation


def _newest_run(ticket: Ticket) -> Run | None:
    remediation = remediations.newest(ticket)
    return showing.newest_run(remediation) if remediation else None


def _run(ticket: Ticket) -> Run:
    run = _newest_run(ticket)
    if run is None:
        raise Http404
    return run


def _person(request: HttpRequest) -> Person:
    return cast("Person", request.user)
