"""The pages and buttons around a review: edit, comment on lines, cut a step, take, withdraw, look again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access import grants
from portal.access.pages import person_of
from portal.kit.refusals import Refusal, Refused, StaleTransition, because
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.playbooks.gate import Finding
from remediation.review import edit_form, places, presenting, standing
from remediation.review import services as reviews
from remediation.review.edit_form import Typed
from remediation.review.services import Said
from remediation.review.views import crumbs_of, find


@login_required
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The draft as text, with the files of its role; saving makes a revision, *Check* only asks the static gate.

    What was typed is never lost to an error.
    """
    remediation = find(request, key)
    grants.require(person_of(request), "review", remediation.category)
    head = remediations.head(remediation)
    typed, refusal, findings = edit_form.of_head(head, remediation.ticket), None, None
    if request.method == "POST":
        typed = edit_form.of_post(request.POST)
        try:
            if "check" not in request.POST:
                return _save(request, remediation, typed)
            findings = edit_form.findings_of(typed)
        except Refusal as problem:
            refusal = problem
    context = {
        "ticket": remediation.ticket,
        "remediation": remediation,
        "typed": typed.draft,
        "base": typed.base,
        "files": _files(remediation, typed, findings or ()),
        "findings": findings,
        "refusal": refusal,
        "is_first": head is None,
        "crumbs": crumbs_of(remediation, "Edit" if head else "Write the steps"),
    }
    return render(request, "review/edit.html", context, status=refusal.status if refusal else 200)


def _save(request: HttpRequest, remediation: Remediation, typed: Typed) -> HttpResponse:
    """Make a revision of what was typed."""
    reviews.revise(
        remediation.pk,
        draft=typed.data(),
        base_digest=typed.base,
        person=person_of(request),
        door="page",
        at=timezone.now(),
    )
    messages.success(request, "Saved. The new revision is being checked.")
    return redirect("review", key=remediation.ticket.key)


def _files(remediation: Remediation, typed: Typed, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The files as the page shows them, each with what the drafter wrote and what the gate found; a new one last."""
    first, found = presenting.first_of(remediation), edit_form.by_file(findings)
    part = schema.from_text(first.content).role if first else None
    wrote = {file.path: file.text for file in part.files} if part else {}
    shown = [
        {"path": path, "text": text, "wrote": wrote.get(path), "findings": found.get(path, ())}
        for path, text in typed.files
    ]
    return [*shown, {"path": "", "text": "", "wrote": None, "findings": ()}] if shown or part else []


@require_POST
@login_required
def check(request: HttpRequest, key: str) -> HttpResponse:
    """What the static gate says of what is typed so far, for the editor; nothing is kept."""
    remediation = find(request, key)
    grants.require(person_of(request), "review", remediation.category)
    try:
        findings = edit_form.findings_of(edit_form.of_post(request.POST))
    except Refused as refusal:
        return JsonResponse({"problems": [reason.text for reason in refusal.reasons], "findings": []})
    return JsonResponse({"problems": [], "findings": [asdict(each) for each in findings]})


@login_required
def changes(request: HttpRequest, key: str) -> HttpResponse:
    """Comments on parts of steps and lines, alone or with a request for changes. Nothing typed is lost to an error."""
    remediation = find(request, key)
    standing.refuse_outsider(remediation, person_of(request))
    revision = _head(remediation)
    said, comment, refusal = _said(request), request.POST.get("comment", ""), None
    if request.method == "POST" and "add" not in request.POST:
        try:
            messages.success(request, _say(request, remediation, said, comment))
        except Refusal as problem:
            refusal = problem
        else:
            return redirect("review", key=key)
    steps = enumerate(schema.from_text(revision.content).steps, start=1)
    context = {
        "ticket": remediation.ticket,
        "digest": request.POST.get("digest", revision.digest),
        "steps": [_step(number, step.title, said) for number, step in steps],
        "lines": [_line(f"line {number}", number, line, said) for number, line in _numbered(places.lines_of(revision))],
        "files": [
            (path, [_line(places.place_in(path, number), number, line, said) for number, line in _numbered(lines)])
            for path, lines in places.files_of(revision).items()
        ],
        "comment": comment,
        "refusal": refusal,
        "added": request.POST.get("add", ""),
        "crumbs": crumbs_of(remediation, "Comments"),
    }
    return render(request, "review/changes.html", context, status=refusal.status if refusal else 200)


def _say(request: HttpRequest, remediation: Remediation, said: dict[str, str], comment: str) -> str:
    """Keep the comments, with a request for changes or as remarks only; answers with a sentence about it."""
    common: dict[str, Any] = {
        "said": [Said(place, text) for place, text in said.items()],
        "digest": request.POST.get("digest", ""),
        "person": person_of(request),
        "door": "page",
        "at": timezone.now(),
    }
    if "remark" in request.POST:
        reviews.comment(remediation.pk, **common)
        return "Your comments stand at their lines; the makers were told."
    reviews.request_changes(remediation.pk, comment=comment, **common)
    return "You asked for changes; the makers were told."


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


def _line(place: str, number: int, text: str, said: dict[str, str]) -> dict[str, Any]:
    return {"number": number, "place": place, "text": text, "said": said.get(place)}


def _numbered(lines: Sequence[str]) -> Iterable[tuple[int, str]]:
    return enumerate(lines, start=1)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else 0  # noqa: PLR2004 - 30 steps
