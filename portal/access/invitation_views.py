"""Letting people in: the link, the page behind it, and the confirmation by somebody else."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from portal.access import invitations, sessions, stepup
from portal.access.models import Invitation, Person
from portal.access.pages import person_of
from portal.kit.refusals import NotAllowed, StaleTransition, because


@method_decorator(never_cache, name="dispatch")
class Invite(LoginRequiredMixin, View):
    """Makes a link for somebody and shows it, once. Wants a password entered just now."""

    def get(self, request: HttpRequest, person_id: int) -> HttpResponse:
        return self._page(request, self._found(request, person_id))

    def post(self, request: HttpRequest, person_id: int) -> HttpResponse:
        person, at = self._found(request, person_id), timezone.now()
        if not sessions.is_fresh(request, at=at):
            return stepup.ask_again(request, back=reverse("invite", args=[person_id]))
        invitation, text = invitations.issue(person_id, by=person_of(request), door="page", at=at)
        link = request.build_absolute_uri(reverse("welcome", args=[text]))
        return self._page(request, person, link=link, ends_at=invitation.expires_at)

    def _found(self, request: HttpRequest, person_id: int) -> Person:
        if not person_of(request).has_perm(invitations.MANAGES):
            raise NotAllowed(because("role", "Policy admins let people in."))
        return get_object_or_404(Person, pk=person_id)

    def _page(self, request: HttpRequest, person: Person, **made: object) -> HttpResponse:
        return render(request, "access/invite.html", {"person": person, **made})


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class Welcome(View):
    """Where the link leads: a new password, and from there to the sign-in."""

    def get(self, request: HttpRequest, text: str) -> HttpResponse:
        return self._page(request, SetPasswordForm(self._found(text).person))

    def post(self, request: HttpRequest, text: str) -> HttpResponse:
        form = SetPasswordForm(self._found(text).person, request.POST)
        if not form.is_valid():
            return self._page(request, form, status=422)
        invitations.use(text, password=form.cleaned_data["new_password1"], at=timezone.now())
        messages.success(request, "Your password is set. Sign in with it.")
        return redirect("login")

    def _found(self, text: str) -> Invitation:
        invitation = invitations.find(text, at=timezone.now())
        if invitation is None:
            raise StaleTransition(because("ended", "This link was used before, or it ended. Ask for another one."))
        return invitation

    def _page(self, request: HttpRequest, form: SetPasswordForm[Person], *, status: int = 200) -> HttpResponse:
        return render(request, "access/welcome.html", {"form": form, "person": form.user}, status=status)


@require_POST
@login_required
def confirm(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Somebody else says that it is them."""
    get_object_or_404(Invitation, pk=invitation_id)
    confirmed = invitations.confirm(invitation_id, by=person_of(request), door="page", at=timezone.now())
    messages.success(request, f"{confirmed.person} is confirmed; their rights hold from now on.")
    return redirect("rights")
