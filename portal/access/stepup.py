"""What was typed into a form that first wants the password again: kept in the session until the form is back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

INTERRUPTED = "interrupted"
LONGEST = 20_000
"""Characters kept of each field: more than any form of ours takes."""
NOT_KEPT = frozenset({"csrfmiddlewaretoken", "password"})


def ask_again(request: HttpRequest, *, back: str) -> HttpResponse:
    """To the page that asks for the password, and from there to `back`, which finds what was posted here."""
    typed = {name: text[:LONGEST] for name, text in request.POST.items() if name not in NOT_KEPT}
    request.session[INTERRUPTED] = {"path": back.partition("?")[0], "fields": typed}
    return redirect(reverse("sign_in_again", query={"next": back}))


def typed_before(request: HttpRequest) -> dict[str, str]:
    """What was posted when the form of this page was interrupted, once; empty if it was not."""
    kept = request.session.get(INTERRUPTED)
    if kept is None or kept["path"] != request.path:
        return {}
    del request.session[INTERRUPTED]
    fields: dict[str, str] = kept["fields"]
    return fields
