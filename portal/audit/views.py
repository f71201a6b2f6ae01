"""The audit page and one event of it, for those who may read the trail."""

from __future__ import annotations

from typing import get_args

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.audit import reads
from portal.audit.apps import may_read
from portal.audit.models import Event
from portal.kit.actors import Door
from portal.kit.paging import neighbours
from portal.kit.refusals import NotAllowed, because


class FilterForm(forms.Form):
    """Whose, what, about which ticket, through which door."""

    actor = forms.CharField(max_length=80, required=False)
    kind = forms.ChoiceField(required=False)
    ticket = forms.CharField(max_length=64, required=False)
    door = forms.ChoiceField(required=False, choices=[("", "Every door"), *((door, door) for door in get_args(Door))])

    def __init__(self, *args: object, kinds: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they come
        self.fields["kind"] = forms.ChoiceField(
            required=False, choices=[("", "Everything"), *((kind, kind) for kind in kinds)]
        )


@require_safe
@login_required
def trail(request: HttpRequest) -> HttpResponse:
    """The newest events, narrowed by the form."""
    _refuse_strangers(request)
    form = FilterForm(request.GET, kinds=reads.kinds())
    wanted = {name: value.strip() for name, value in form.cleaned_data.items()} if form.is_valid() else {}
    page = reads.events(reads.Filters(**wanted), after=request.GET.get("after"))
    context = {"form": form, "page": page, **neighbours(page, request.GET)}
    return render(request, "audit/trail.html", context, status=200 if form.is_valid() else 422)


@require_safe
@login_required
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    """One event with all it says."""
    _refuse_strangers(request)
    found = get_object_or_404(Event, pk=event_id)
    details = reads.details_of(found)
    context = {
        "event": found,
        "details": details,
        "is_change": any(each.before is not None for each in details),
        "crumbs": [("Audit", reverse("audit")), (f"Event {found.pk}", "")],
    }
    return render(request, "audit/event.html", context)


def _refuse_strangers(request: HttpRequest) -> None:
    if not may_read(request):
        raise NotAllowed(because("role", "Auditors and policy admins read the audit trail."))
