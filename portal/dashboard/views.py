"""The overview: how good answers were, how much ran, what people said, of the last days."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import grants
from portal.access.pages import person_of
from portal.dashboard import presenting
from portal.kit.refusals import Refused, because

USUAL = 30


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Figures, charts and a table of the categories a person may see."""
    days = _days(request.GET.get("days", str(USUAL)))
    categories = grants.categories(person_of(request), "see")
    context = {
        "overview": presenting.overview(categories, days=days, until=timezone.now()),
        "days": days,
        "tabs": [
            {"label": f"{choice} days", "url": f"?days={choice}", "current": choice == days}
            for choice in presenting.CHOICES
        ],
    }
    return render(request, "dashboard/overview.html", context)


def _days(text: str) -> int:
    choices = {str(choice): choice for choice in presenting.CHOICES}
    if text not in choices:
        raise Refused(because("out_of_range", f"Choose one of {', '.join(choices)} days.", "days"))
    return choices[text]
