"""The audit page, one event of it, and the trail as a file, for those who may read it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.audit import exporting, reads
from portal.audit import services as audit
from portal.audit.forms import FilterForm
from portal.audit.models import Event
from portal.audit.people import acting, refuse_strangers
from portal.kit.actors import Ref
from portal.kit.paging import neighbours


@require_safe
@login_required
def trail(request: HttpRequest) -> HttpResponse:
    """The newest events, narrowed by the form, each with its seal."""
    refuse_strangers(request)
    form = FilterForm(request.GET, kinds=reads.kinds())
    page = reads.events(form.filters(), after=request.GET.get("after"))
    seals = reads.seals(page.items)
    wanted = request.GET.copy()
    wanted.pop("after", None)
    context = {
        "form": form,
        "page": page,
        "rows": [(each, seals.get(each.pk)) for each in page.items],
        "state": reads.state(at=timezone.now()),
        "wanted": wanted.urlencode(),
        **neighbours(page, request.GET),
    }
    return render(request, "audit/trail.html", context, status=200 if form.is_valid() else 422)


@require_safe
@login_required
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    """One event with all it says."""
    refuse_strangers(request)
    found = get_object_or_404(Event, pk=event_id)
    details = reads.details_of(found)
    context = {
        "event": found,
        "details": details,
        "is_change": any(each.before is not None for each in details),
        "sealed": reads.seals([found]).get(found.pk),
        "crumbs": [("Audit", reverse("audit")), (f"Event {found.pk}", "")],
    }
    return render(request, "audit/event.html", context)


@require_safe
@login_required
def export(request: HttpRequest, form: str) -> StreamingHttpResponse | HttpResponse:
    """Every event that fits, as a file; that somebody took it is an event, too."""
    refuse_strangers(request)
    if form not in exporting.FORMATS:
        raise Http404
    wanted = FilterForm(request.GET, kinds=reads.kinds())
    if not wanted.is_valid():
        return HttpResponse("These filters make no sense.\n", status=422, content_type="text/plain")
    _record_export(request, form, wanted)
    kind, lines = exporting.FORMATS[form]
    headers = {"Content-Disposition": f'attachment; filename="audit.{form}"'}
    return StreamingHttpResponse(lines(wanted.filters()), content_type=kind, headers=headers)


def _record_export(request: HttpRequest, form: str, wanted: FilterForm) -> None:
    narrowed: dict[str, Any] = {name: str(value) for name, value in wanted.cleaned_data.items() if value}
    audit.record(
        "audit.exported",
        actor=acting(request, "page"),
        at=timezone.now(),
        subject=Ref("audit.event", 0, "the trail"),
        data={"format": form, "filters": narrowed},
    )
