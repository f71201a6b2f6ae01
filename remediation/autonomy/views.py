"""The certificate pages: the list, the question with its figures, and one certificate with what it allowed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patterns.models import Pattern
from portal.access import grants
from portal.access.pages import person_of
from portal.kit.paging import neighbours
from portal.kit.refusals import Refusal
from portal.signoff.models import Certificate
from portal.signoff.services import Ballot
from remediation.autonomy import asking, fixes, listing, presenting
from remediation.autonomy.fixes import Fix
from remediation.autonomy.forms import Ask, Narrow, Sign, TakeBack
from remediation.autonomy.listing import State
from remediation.policy import certified


@require_safe
@login_required
def certificates(request: HttpRequest) -> HttpResponse:
    """The certificates of the categories a person may see."""
    form, at = Narrow(request.GET), timezone.now()
    if not form.is_valid():
        return render(request, "autonomy/list.html", {"form": form}, status=422)
    page = listing.certificates(
        person_of(request), state=form.cleaned_data["state"], after=request.GET.get("after"), at=at
    )
    rows = [presenting.row_of(each, at=at) for each in page.items]
    context = {"form": form, "rows": rows, **neighbours(page, request.GET)}
    return render(request, "autonomy/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def ask(request: HttpRequest, pattern_id: int) -> HttpResponse:
    """What one fix has proven and what it lacks; with everything there, the form that asks for a certificate."""
    fix = _fix(request, pattern_id)
    if request.method != "POST":
        return _question(request, fix, Ask())
    form = Ask(request.POST)
    if not form.is_valid():
        return _question(request, fix, form, status=422)
    days, at = form.cleaned_data["days"], timezone.now()
    try:
        asked = asking.ask(fix, days=days, person=person_of(request), door="page", at=at)
    except Refusal as refusal:
        return _question(request, fix, form, refusal=refusal, status=refusal.status)
    messages.success(request, "Asked. Another policy admin grants it or turns it down; they were told.")
    return redirect("certificate", asked.pk)


@require_safe
@login_required
def certificate(request: HttpRequest, certificate_id: int) -> HttpResponse:
    """One certificate: what it is for, what it rests on, who stands behind it, what it allowed."""
    return _page(request, _find(request, certificate_id))


@require_POST
@login_required
def sign(request: HttpRequest, certificate_id: int) -> HttpResponse:
    """Grant what somebody else asked for."""
    found, form = _find(request, certificate_id), Sign(request.POST)
    if not form.is_valid():
        return _page(request, found, sign=form, status=422)
    digest, ballot = form.cleaned_data["digest"], Ballot(comment=form.cleaned_data["comment"])
    person, at = person_of(request), timezone.now()
    try:
        granted = asking.grant(found.pk, digest=digest, person=person, ballot=ballot, door="page", at=at)
    except Refusal as refusal:
        return _page(request, _find(request, certificate_id), sign=form, refusal=refusal, status=refusal.status)
    messages.success(request, "Granted. It is in force." if granted.granted_at else "Signed. It takes more signatures.")
    return redirect("certificate", found.pk)


@require_POST
@login_required
def revoke(request: HttpRequest, certificate_id: int) -> HttpResponse:
    """Take a certificate back, or turn its question down."""
    found, form = _find(request, certificate_id), TakeBack(request.POST)
    if not form.is_valid():
        return _page(request, found, take_back=form, status=422)
    person, at = person_of(request), timezone.now()
    try:
        asking.take_back(found.pk, reason=form.cleaned_data["reason"], person=person, door="page", at=at)
    except Refusal as refusal:
        again = _find(request, certificate_id)
        return _page(request, again, take_back=form, refusal=refusal, status=refusal.status)
    messages.success(request, "Revoked. Everybody concerned was told, and nothing is signed under it any more.")
    return redirect("certificate", found.pk)


def _fix(request: HttpRequest, pattern_id: int) -> Fix:
    """The fix that the address names, of a pattern that the person may see."""
    pattern = get_object_or_404(Pattern.objects.select_related("category"), pk=pattern_id)
    if not grants.of(person_of(request)).may("see", pattern.category_id):
        raise Http404
    action = request.GET.get("action", "")
    if not action:
        raise Http404
    return Fix(pattern, action, request.GET.get("environment", ""))


def _question(
    request: HttpRequest, fix: Fix, form: Ask, *, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    standing = fixes.look(fix, at=timezone.now())
    context: dict[str, Any] = {
        "fix": fix,
        "standing": standing,
        "form": form,
        "refusal": refusal,
        "reason": grants.lacking(person_of(request), "configure", fix.pattern.category),
        "crumbs": [
            ("Patterns", reverse("patterns")),
            (fix.pattern.title, reverse("pattern", args=[fix.pattern.pk])),
            ("Certificate", ""),
        ],
    }
    if standing.evidence:
        context["figures"] = presenting.figures_of(standing.evidence)
        context["origin"] = presenting.origin_of(standing.evidence)
    return render(request, "autonomy/ask.html", context, status=status)


def _page(
    request: HttpRequest,
    found: Certificate,
    *,
    sign: Sign | None = None,
    take_back: TakeBack | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    at, person = timezone.now(), person_of(request)
    state, evidence = listing.state_of(found, at=at), certified.evidence_of(found)
    page = listing.allowed(found, after=request.GET.get("after"))
    context: dict[str, Any] = {
        "certificate": found,
        "state": state,
        "word": presenting.STATES[state],
        "evidence": evidence,
        "figures": presenting.figures_of(evidence),
        "origin": presenting.origin_of(evidence),
        "granters": presenting.granters(found),
        "outcomes": presenting.outcomes_of(found),
        "chart": presenting.outcomes_chart(found),
        "votes": page.items,
        "refusal": refusal,
        "take_back": take_back or TakeBack(),
        "may_take_back": state in {State.ASKED, State.LIVE} and presenting.may_configure(found, person),
        "crumbs": [("Certificates", reverse("certificates")), (f"#{found.pk}", "")],
        **neighbours(page, request.GET),
    }
    if state is State.ASKED and found.plan:
        context["sign"] = sign or Sign(initial={"digest": found.plan.digest})
        context["blockers"] = presenting.why_not_sign(found, person)
        context["lacks"] = asking.not_carried(found, at=at)
    return render(request, "autonomy/certificate.html", context, status=status)


def _find(request: HttpRequest, certificate_id: int) -> Certificate:
    found = listing.find(person_of(request), certificate_id)
    if found is None:
        raise Http404
    return found
