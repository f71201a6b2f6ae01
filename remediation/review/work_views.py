"""The pages and buttons around a review: edit, comment on lines, cut a step, take, withdraw, look again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access import grants
from portal.access.pages import person_of
from portal.kit.refusals import Refusal, StaleTransition, because
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.review import draft_text, places, standing
from remediation.review import services as reviews
from remediation.review.services import Said
from remediation.review.views import crumbs_of, find
from remediation.tickets.models import Ticket


@login_required
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The draft as text; saving makes a revision. What was typed is never lost to an error."""
    remediation = find(request, key)
    grants.require(person_of(request), "review", remediation.category)
    head = remediations.head(remediation)
    typed = draft_text.text_of(schema.from_text(head.content)) if head else _blank(remediation.ticket)
    base, refusal = head.digest if head else "", None
    if request.method == "POST":
        typed, base = request.POST.get("draft", "").replace("\r\n", "\n"), request.POST.get("base_digest", "")
        try:
            _revise(request, remediation, typed, base)
        except Refusal as problem:
            refusal = problem
        else:
            messages.success(request, "Saved. The new revision is being checked.")
            return redirect("review", key=key)
    context = {
        "ticket": remediation.ticket,
        "remediation": remediation,
        "typed": typed,
        "base": base,
        "refusal": refusal,
        "is_first": head is None,
        "crumbs": crumbs_of(remediation, "Edit" if head else "Write the steps"),
    }
    return render(request, "review/edit.html", context, status=refusal.status if refusal else 200)


def _blank(ticket: Ticket) -> str:
    service = ticket.service.slug if ticket.service else None
    return draft_text.blank_of(title=ticket.title, service=service, systems=ticket.affected_systems)


def _revise(request: HttpRequest, remediation: Remediation, typed: str, base: str) -> None:
    reviews.revise(
        remediation.pk,
        draft=draft_text.data_of(typed),
        base_digest=base,
        person=person_of(request),
        door="page",
        at=timezone.now(),
    )


@login_required
def changes(request: HttpRequest, key: str) -> HttpResponse:
    """Request changes with comments on parts of steps and lines of the draft. Nothing typed is lost to an error."""
    remediation = find(request, key)
    standing.refuse_outsider(remediation, person_of(request))
    revision = _head(remediation)
    said, comment, refusal = _said(request), request.POST.get("comment", ""), None
    if request.method == "POST" and "add" not in request.POST:
        try:
            reviews.request_changes(
                remediation.pk,
                comment=comment,
                said=[Said(place, text) for place, text in said.items()],
                digest=request.POST.get("digest", ""),
                person=person_of(request),
                door="page",
                at=timezone.now(),
            )
        except Refusal as problem:
            refusal = problem
        else:
            messages.success(request, "You asked for changes; the makers were told.")
            return redirect("review", key=key)
    steps = enumerate(schema.from_text(revision.content).steps, start=1)
    context = {
        "ticket": remediation.ticket,
        "digest": request.POST.get("digest", revision.digest),
        "steps": [_step(number, step.title, said) for number, step in steps],
        "lines": [_line(number, line, said) for number, line in enumerate(places.lines_of(revision), start=1)],
        "comment": comment,
        "refusal": refusal,
        "added": request.POST.get("add", ""),
        "crumbs": crumbs_of(remediation, "Request changes"),
    }
    return render(request, "review/changes.html", context, status=refusal.status if refusal else 200)


@login_required
def cut(request: HttpRequest, key: str) -> HttpResponse:
    """Says what cutting a step means, then cuts it."""
    remediation = find(request, key)
    grants.require(person_of(request), "review", remediation.category)
    revision = _head(remediation)
    number = _number(request.POST.get("step") or request.GET.get("step"))
    steps = schema.from_text(revision.content).steps
    refusal = None
    if request.method == "POST":
        try:
            reviews.cut(
                remediation.pk,
                number=number,
                base_digest=request.POST.get("base_digest", ""),
                person=person_of(request),
                door="page",
                at=timezone.now(),
            )
        except Refusal as problem:
            refusal = problem
        else:
            messages.success(request, f"Step {number} is cut. The new revision is being checked.")
            return redirect("review", key=key)
    if not 1 <= number <= len(steps):
        raise StaleTransition(because("no_such_step", f"The draft has no step {number}."))
    context = {
        "ticket": remediation.ticket,
        "number": number,
        "step": steps[number - 1],
        "base": revision.digest,
        "refusal": refusal,
        "crumbs": crumbs_of(remediation, f"Cut step {number}"),
    }
    return render(request, "review/cut.html", context, status=refusal.status if refusal else 200)


@require_POST
@login_required
def take(request: HttpRequest, key: str) -> HttpResponse:
    """“I'm on it”, for the next half hour."""
    return _do(request, key, reviews.take, "You are on it for the next half hour; others see that.")


@require_POST
@login_required
def release(request: HttpRequest, key: str) -> HttpResponse:
    """Leave it to others."""
    return _do(request, key, reviews.release, "You left it to others.")


@require_POST
@login_required
def look_again(request: HttpRequest, key: str) -> HttpResponse:
    """Ask the pre-flights again; the answers become evidence."""
    return _do(request, key, reviews.look_again, "The targets are being looked at; what is seen becomes evidence.")


@require_POST
@login_required
def withdraw(request: HttpRequest, key: str) -> HttpResponse:
    """Take back one's signature."""
    said = "You took back your signature. A fresh plan is being prepared."
    return _do(request, key, reviews.withdraw, said, reason=request.POST.get("reason", ""))


def _do(request: HttpRequest, key: str, verb: Callable[..., Any], said: str, **more: Any) -> HttpResponse:
    """Carry out a verb that needs no form, and say so on the review page, or why not."""
    remediation = find(request, key)
    try:
        verb(remediation.pk, person=person_of(request), door="page", at=timezone.now(), **more)
    except Refusal as refusal:
        messages.error(request, " ".join(reason.text for reason in refusal.reasons))
    else:
        messages.success(request, said)
    return redirect("review", key=key)


def _head(remediation: Remediation) -> Revision:
    head = remediations.head(remediation)
    if head is None:
        raise StaleTransition(because("no_draft", "There is no draft yet."))
    return head


def _said(request: HttpRequest) -> dict[str, str]:
    """The comments typed so far, by place; a place that was just asked for has an empty one."""
    typed = zip(request.POST.getlist("place"), request.POST.getlist("said"), strict=False)
    said = dict(typed)
    for place in (request.POST.get("add"), request.GET.get("at")):
        if place:
            said.setdefault(place, "")
    return said


def _step(number: int, title: str, said: dict[str, str]) -> dict[str, Any]:
    parts = [(place, place.partition(", ")[2], said.get(place)) for place in places.parts_of(number)]
    return {"number": number, "title": title, "parts": parts}


def _line(number: int, text: str, said: dict[str, str]) -> dict[str, Any]:
    place = f"line {number}"
    return {"number": number, "place": place, "text": text, "said": said.get(place)}


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else 0  # noqa: PLR2004 - 30 steps
