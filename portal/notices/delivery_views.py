"""What leaves the site: the mail server and the webhooks, how they are, and the letters that were given up."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.paging import neighbours, page_of
from portal.kit.refusals import NotAllowed, Refusal, because
from portal.notices import outlets, reading
from portal.notices.forms import ChangeWebhookForm, WebhookForm
from portal.notices.models import Letter, Outlet

PAGE = 25


def _allowed(request: HttpRequest) -> None:
    if not person_of(request).has_perm(outlets.CONFIGURES):
        raise NotAllowed(because("configure", "Policy admins look after what leaves the site."))


@require_safe
@login_required
def delivery(request: HttpRequest) -> HttpResponse:
    """Every outlet with its state, and a page of dead letters."""
    _allowed(request)
    return _page(request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def register(request: HttpRequest) -> HttpResponse:
    """A new webhook; its secret is shown in this answer and never again."""
    _allowed(request)
    form = WebhookForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _form(request, form, "New webhook", status=422 if form.is_bound else 200)
    try:
        outlet, secret = outlets.register(
            **form.cleaned_data, person=person_of(request), door="page", at=timezone.now()
        )
    except Refusal as refusal:
        return _form(request, form, "New webhook", refusal=refusal, status=refusal.status)
    return _secret(request, outlet, secret)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: HttpRequest, outlet_id: int) -> HttpResponse:
    """One webhook: its form, a test, a new secret."""
    _allowed(request)
    outlet = _webhook(outlet_id)
    form = ChangeWebhookForm.of(outlet, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _form(request, form, outlet.name, outlet=outlet, status=422 if form.is_bound else 200)
    try:
        outlets.change(outlet.pk, **form.cleaned_data, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _form(request, form, outlet.name, outlet=outlet, refusal=refusal, status=refusal.status)
    messages.success(request, f"{outlet} is changed.")
    return redirect("notices_delivery")


@require_POST
@never_cache
@login_required
def new_secret(request: HttpRequest, outlet_id: int) -> HttpResponse:
    """Another secret, shown in this answer and never again."""
    _allowed(request)
    outlet = _webhook(outlet_id)
    secret = outlets.new_secret(outlet.pk, person=person_of(request), door="page", at=timezone.now())
    return _secret(request, outlet, secret)


@require_POST
@login_required
def try_out(request: HttpRequest, outlet_id: int) -> HttpResponse:
    """A test leaves this way."""
    outlet = get_object_or_404(Outlet, pk=outlet_id)
    return _do(
        request,
        lambda: outlets.try_out(outlet.pk, person=person_of(request), door="page", at=timezone.now()),
        "A test is on its way. What becomes of it shows here.",
    )


@require_POST
@login_required
def try_again(request: HttpRequest, letter_id: int) -> HttpResponse:
    """One dead letter is sent once more."""
    get_object_or_404(Letter, pk=letter_id)
    return _do(
        request,
        lambda: outlets.try_again(letter_id, person=person_of(request), door="page", at=timezone.now()),
        "The letter is tried again.",
    )


@require_POST
@login_required
def try_all_again(request: HttpRequest) -> HttpResponse:
    """Every dead letter is sent once more."""
    return _do(
        request,
        lambda: outlets.try_all_again(person=person_of(request), door="page", at=timezone.now()),
        "All of them are tried again.",
    )


@require_POST
@login_required
def discard(request: HttpRequest, letter_id: int) -> HttpResponse:
    """One dead letter is put away, with a reason."""
    get_object_or_404(Letter, pk=letter_id)
    reason = request.POST.get("reason", "")[:500]
    return _do(
        request,
        lambda: outlets.discard(letter_id, reason=reason, person=person_of(request), door="page", at=timezone.now()),
        "The letter is put away.",
    )


def _do(request: HttpRequest, verb: Callable[[], object], done: str) -> HttpResponse:
    try:
        verb()
    except NotAllowed:
        raise
    except Refusal as refusal:
        return _page(request, refusal=refusal, status=refusal.status)
    messages.success(request, done)
    return redirect("notices_delivery")


def _page(request: HttpRequest, *, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
    page = page_of(reading.dead(), order=["-id"], after=request.GET.get("after"), size=PAGE)
    context = {
        "outlets": reading.outlets(),
        "letters": reading.with_texts(page.items),
        "refusal": refusal,
        "crumbs": [("Notices", reverse("notices")), ("Delivery", "")],
        **neighbours(page, request.GET),
    }
    return render(request, "notices/delivery.html", context, status=status)


def _webhook(outlet_id: int) -> Outlet:
    return get_object_or_404(Outlet, pk=outlet_id, channel=Outlet.Channel.WEBHOOK)


def _form(
    request: HttpRequest,
    form: Form,
    title: str,
    *,
    outlet: Outlet | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "title": title, "outlet": outlet, "refusal": refusal, "crumbs": _crumbs(title)}
    return render(request, "notices/webhook.html", context, status=status)


def _secret(request: HttpRequest, outlet: Outlet, secret: str) -> HttpResponse:
    context = {"outlet": outlet, "secret": secret, "crumbs": _crumbs(outlet.name)}
    return render(request, "notices/secret.html", context)


def _crumbs(title: str) -> list[tuple[str, str]]:
    return [("Notices", reverse("notices")), ("Delivery", reverse("notices_delivery")), (title, "")]
