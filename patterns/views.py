"""The pattern pages: the list with what each has earned, and one pattern with what happened to it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from patterns import listing, presenting, services
from patterns.forms import Narrow
from patterns.models import Pattern
from portal.access import grants
from portal.access.pages import person_of
from portal.kit.paging import neighbours

CHARTED = 200
PAGE = 20


@require_safe
@login_required
def patterns(request: HttpRequest) -> HttpResponse:
    """The patterns a person may see, most frequent first."""
    person = person_of(request)
    form = Narrow(request.GET, categories=grants.categories(person, "see"))
    context: dict[str, object] = {"form": form, "asked": services.thresholds()}
    if not form.is_valid():
        return render(request, "patterns/list.html", context, status=422)
    page = listing.patterns(
        person,
        category=form.cleaned_data["category"],
        min_occurrences=form.cleaned_data["min_occurrences"] or 0,
        after=request.GET.get("after"),
    )
    context |= {"rows": [presenting.row_of(each) for each in page.items], **neighbours(page, request.GET)}
    return render(request, "patterns/list.html", context)


@require_safe
@login_required
def pattern(request: HttpRequest, pattern_id: int) -> HttpResponse:
    """One pattern: what it is known by, how far it is trusted and why, and what happened."""
    found = get_object_or_404(Pattern.objects.select_related("category"), pk=pattern_id)
    if not grants.of(person_of(request)).may("see", found.category_id):
        raise Http404
    newest = list(found.events.order_by("-id")[:CHARTED])
    page = listing.occurrences(found, after=request.GET.get("after"), size=PAGE)
    context = {
        "row": presenting.row_of(found),
        "asked": services.thresholds(),
        "exemplars": list(found.exemplars.all()),
        "occurrences_chart": presenting.occurrences_chart(newest),
        "reliability_chart": presenting.reliability_chart(newest),
        "charted": len(newest),
        "events": page.items,
        **neighbours(page, request.GET),
        "crumbs": [("Patterns", reverse("patterns")), (found.title, "")],
    }
    return render(request, "patterns/pattern.html", context)
