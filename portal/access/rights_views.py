"""The matrix of rights as a page: shown per category, changed in bulk, after a look at what changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views import View

from portal.access import invitations, rights, sessions, stepup
from portal.access.forms import Place
from portal.access.models import Invitation, Person
from portal.access.pages import person_of
from portal.access.rights import Row
from portal.estate.models import VERBS
from portal.kit.paging import neighbours
from portal.kit.refusals import Refused, because

MOST_GROUPS = 200
WORD = re.compile(rf"([+-])((?:person|group):[0-9]{{1,18}}):({'|'.join(VERBS)})")


class Matrix(LoginRequiredMixin, View):
    """People and groups by verbs, in one category or in all; what was ticked differently is shown before it is so."""

    def get(self, request: HttpRequest) -> HttpResponse:
        person = person_of(request)
        form = Place(request.GET, rights.places(person))
        asked = form.cleaned_data if form.is_valid() else {}
        where = rights.place(person, asked.get("category", ""))
        people = rights.people(text=asked.get("text", ""), after=request.GET.get("after"))
        groups = [] if people.previous else rights.groups(text=asked.get("text", ""), size=MOST_GROUPS).items
        rows = rights.rows_of([*groups, *people.items], where, seen_by=person)
        context = {
            "form": form,
            "where": where,
            "verbs": VERBS.values(),
            "parts": [("Groups", rows[: len(groups)]), ("People", rows[len(groups) :])],
            "was": " ".join(_given(rows)),
            "may_change": rights.may_change(person, where),
            "waiting": _waiting(person),
            "superusers": Person.objects.filter(is_superuser=True, is_active=True),
            "is_small_team": settings.SMALL_TEAM,
            **neighbours(people, request.GET),
        }
        return render(request, "access/rights.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        now, was = set(request.POST.getlist("own")), set(request.POST.get("was", "").split())
        changes = [f"+{each}" for each in sorted(now - was)] + [f"-{each}" for each in sorted(was - now)]
        if changes:
            return _asked(request, " ".join(changes))
        messages.info(request, "Nothing was ticked differently, so nothing changed.")
        return redirect(_page(request.POST.get("category", "")))


class Change(LoginRequiredMixin, View):
    """What would change, and the button that does it. Wants a password entered just now."""

    def get(self, request: HttpRequest) -> HttpResponse:
        typed = stepup.typed_before(request)
        return _asked(request, typed["changes"], typed["category"]) if typed else redirect("rights")

    def post(self, request: HttpRequest) -> HttpResponse:
        at, person = timezone.now(), person_of(request)
        where = rights.place(person, request.POST.get("category", ""))
        rights.refuse_others(person, where)
        if not sessions.is_fresh(request, at=at):
            return stepup.ask_again(request, back=reverse("rights_change"))
        wanted = _changes(request.POST.get("changes", ""))
        made = rights.change(wanted, where=where, person=person, door="page", at=at)
        messages.success(request, f"{made} right{'' if made == 1 else 's'} changed.")
        return redirect(_page(where.slug if where else ""))


def _waiting(person: Person) -> list[dict[str, Any]]:
    """Who came in by a link and is to be confirmed, for those who manage people."""
    if not person.has_perm(invitations.MANAGES):
        return []
    waiting = Invitation.waiting()
    return [{"invitation": each, "refusal": invitations.may_not_confirm(each, person)} for each in waiting]


def _asked(request: HttpRequest, changes: str, category: str | None = None) -> HttpResponse:
    """The page that shows the changes in words, refusals of the service included before anything happens."""
    person = person_of(request)
    where = rights.place(person, request.POST.get("category", "") if category is None else category)
    wanted = _changes(changes)
    found = rights.holders({each.holder for each in wanted})
    rows = {row.key: row for row in rights.rows_of(found.values(), where, seen_by=person)}
    lines = [_line(each, rows[each.holder]) for each in wanted if each.holder in rows]
    context = {"where": where, "changes": changes, "lines": lines, "back": _page(where.slug if where else "")}
    return render(request, "access/rights_change.html", context)


def _line(change: rights.Change, row: Row) -> dict[str, Any]:
    (cell,) = (cell for cell in row.cells if cell.verb == change.verb)
    return {
        "holder": row.holder,
        "is_group": isinstance(row.holder, Group),
        "verb": cell.label,
        "is_given": change.is_given,
        "is_signing": change.is_given and change.verb in rights.SIGNING,
        "keeps": () if change.is_given else cell.through,
        "refusal": cell.refusal,
    }


def _given(rows: Sequence[Row]) -> list[str]:
    """What is ticked and may be unticked by whoever looks."""
    return [f"{row.key}:{cell.verb}" for row in rows for cell in row.cells if cell.is_given and not cell.refusal]


def _changes(text: str) -> list[rights.Change]:
    """The changes that the form sent, one word each: `+person:7:review`."""
    found = [WORD.fullmatch(word) for word in text.split()]
    changes = [rights.Change(match[2], match[3], match[1] == "+") for match in found if match]
    if len(changes) != len(found) or not changes:
        raise Refused(because("changes", "The form was changed on its way. Go back and try again."))
    return changes


def _page(slug: str) -> str:
    return reverse("rights", query={"category": slug} if slug else None)
