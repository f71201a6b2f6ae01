"""Signing in and out, and a person's own tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView, RedirectURLMixin
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from portal.access import forms, sessions, tokens
from portal.access.forms import NewToken, PasswordAgain
from portal.access.models import Person, Token
from portal.access.pages import person_of
from portal.audit import services as audit
from portal.kit.refusals import StaleTransition

SENT = "token_forms_sent"
REMEMBERED = 20


class SignIn(LoginView):
    """A session, and the event that says so, or neither."""

    authentication_form = forms.SignIn

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, forms.THROTTLED):
            answer.status_code = 429
        return answer

    def form_valid(self, form: object) -> HttpResponse:
        with transaction.atomic():
            return super().form_valid(form)  # type: ignore[arg-type]  # Django's own form


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SignInAgain(LoginRequiredMixin, RedirectURLMixin, View):
    """Asks for the password once more, before something that wants a fresh sign-in, and leads back to it."""

    next_page = settings.LOGIN_REDIRECT_URL

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(PasswordAgain(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordAgain(request, request.POST)
        if not form.is_valid():
            return self._page(form, status=429 if form.has_error("password", forms.THROTTLED) else 422)
        sessions.confirm(request, person_of(request), at=timezone.now())
        return redirect(self.get_success_url())

    def _page(self, form: PasswordAgain, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "next": self.get_redirect_url()}
        return render(self.request, "registration/sign_in_again.html", context, status=status)


class SignOut(LogoutView):
    """The end of a session, and the event that says so, or neither."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        with transaction.atomic():
            return super().post(request, *args, **kwargs)


class ChangePassword(PasswordChangeView):
    """A new password, and the event that says so."""

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        with transaction.atomic():
            person: Person = form.user
            audit.record(
                "person.password_changed", actor=person.at("page"), at=timezone.now(), subject=sessions.ref(person)
            )
            return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class Tokens(LoginRequiredMixin, View):
    """A person's own tokens: a list, and a new one, whose text is shown in this answer and never again."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request, NewToken())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewToken(request.POST)
        if not form.is_valid():
            return _page(request, form, status=422)
        if not _is_first_time(request, form.cleaned_data["once"]):
            messages.warning(request, "This form was sent before. Its token was shown then, and is shown only once.")
            return redirect("tokens")
        person, at = person_of(request), timezone.now()
        token, text = tokens.issue(
            person=person,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            actor=person.at("page"),
            at=at,
            expires_at=form.expires_at(at),
        )
        return _page(request, NewToken(), token=token, text=text)


class RevokeToken(LoginRequiredMixin, View):
    """Ends a token of one's own; others' do not exist here."""

    def post(self, request: HttpRequest, token_id: int) -> HttpResponse:
        person = person_of(request)
        if not person.tokens.filter(pk=token_id).exists():
            raise Http404
        try:
            token = tokens.revoke(token_id=token_id, actor=person.at("page"), at=timezone.now())
        except StaleTransition as stale:
            messages.warning(request, str(stale))
        else:
            messages.success(request, f"The token “{token.name}” is revoked; it stops working with the next request.")
        return redirect("tokens")


def _is_first_time(request: HttpRequest, once: str) -> bool:
    """Whether a form comes for the first time: an answer that is loaded again would issue another token."""
    sent: list[str] = request.session.get(SENT, [])
    request.session[SENT] = [*sent, once][-REMEMBERED:]
    return once not in sent


def _page(
    request: HttpRequest, form: NewToken, *, token: Token | None = None, text: str = "", status: int = 200
) -> HttpResponse:
    at = timezone.now()
    owned = person_of(request).tokens.all()
    rows = [{"token": each, "state": _state(each, at=at)} for each in owned]
    return render(
        request, "access/tokens.html", {"form": form, "rows": rows, "new": token, "text": text}, status=status
    )


def _state(token: Token, *, at: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    return "expired" if token.expires_at and token.expires_at <= at else "live"
