"""A person's inbox: what they were told, newest first, and what they want to be told where."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.paging import neighbours, page_of
from portal.kit.refusals import StaleTransition
from portal.notices import outlets, preferences, reading
from portal.notices import services as notices

PAGE = 50
DIGITS = 19
"""Of the largest id there can be; those that exist have fewer."""


@require_safe
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """One page of the notices, all or the new ones; each leads to the thing as it stands now."""
    person, only_unread = person_of(request), request.GET.get("show") == "unread"
    listed = notices.inbox(person, only_unread=only_unread)
    page = page_of(listed, order=["-id"], after=request.GET.get("after"), size=PAGE)
    context = {
        "page": page,
        "told": reading.told(page.items, person.pk),
        "only_unread": only_unread,
        "tabs": [
            {"label": "All", "url": reverse("notices"), "current": not only_unread},
            {"label": "New", "url": reverse("notices", query={"show": "unread"}), "current": only_unread},
        ],
        "dead": reading.count_dead() if person.has_perm(outlets.MENDS) else None,
        **neighbours(page, request.GET),
    }
    return render(request, "notices/inbox.html", context)


@require_POST
@login_required
def mark_read(request: HttpRequest) -> HttpResponse:
    """Everything up to the notice that stood on top has been read."""
    until = request.POST.get("until", "")
    if until.isdecimal() and len(until) < DIGITS:
        notices.mark_read(person_of(request), until=int(until), at=timezone.now())
    return redirect("notices")


@require_POST
@login_required
def mark_one_read(request: HttpRequest, notice_id: int) -> HttpResponse:
    """One notice has been read; others' do not exist here."""
    person = person_of(request)
    get_object_or_404(notices.inbox(person), pk=notice_id)
    try:
        notices.mark_one_read(person, notice_id, at=timezone.now())
    except StaleTransition as stale:
        messages.info(request, str(stale))
    return redirect("notices")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def choose(request: HttpRequest) -> HttpResponse:
    """What comes where: a table of kinds and channels."""
    person = person_of(request)
    if request.method == "POST":
        preferences.choose(person, in_inbox=request.POST.getlist("in_inbox"), by_mail=request.POST.getlist("by_mail"))
        messages.success(request, "Kept.")
        return redirect("notices_preferences")
    context = {
        "choices": preferences.choices_of(person),
        "mail_is_on": bool(settings.MAIL_URL),
        "address": person.email,
        "crumbs": [("Notices", reverse("notices")), ("What comes where", "")],
    }
    return render(request, "notices/preferences.html", context)
