"""The policy pages: all categories side by side, and one with every field in words and what it decided lately."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import grants
from portal.access.pages import person_of
from portal.estate.models import Category
from remediation.policy import presenting, wording
from remediation.policy import services as rules
from remediation.policy.facts import Switches
from remediation.policy.models import CategoryPolicy, Decision

RECENTLY = timedelta(days=30)
DECISIONS = 20


@require_safe
@login_required
def policies(request: HttpRequest) -> HttpResponse:
    """The policies of the categories a person may see, a row each, and the settings that bound them."""
    site = rules.switches()
    permitted = grants.categories(person_of(request), "see")
    found = {row.category_id: row for row in CategoryPolicy.objects.filter(category__in=permitted)}
    rows = [(category, _row(found.get(category.pk), site)) for category in permitted]
    return render(request, "policy/list.html", {"rows": rows, "settings": presenting.settings_of(site)})


@require_safe
@login_required
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """One category: its policy in words, how it is changed, and its decisions of late."""
    category = get_object_or_404(Category, slug=slug)
    if not grants.of(person_of(request)).may("see", category.pk):
        raise Http404
    found, site, at = rules.policy_of(category.pk), rules.switches(), timezone.now()
    decisions = Decision.objects.filter(remediation__category=category, at__gt=at - RECENTLY).order_by("-at", "-id")
    newest = decisions.select_related("remediation__ticket", "assessment")[:DECISIONS]
    context = {
        "category": category,
        "policy": found,
        "rules": presenting.rules_of(found, site) if found else [],
        "settings": presenting.settings_of(site),
        "decisions": presenting.decisions_of(newest),
        "may_configure": _may_configure(request, category),
        "crumbs": [("Policies", reverse("policies")), (category.name, "")],
    }
    return render(request, "policy/policy.html", context)


def _row(found: CategoryPolicy | None, site: Switches) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "policy": found,
        "reliability": presenting.reliability(found, site),
        "hours": presenting.hours(found),
        "days": wording.days(found.days),
        "asks": presenting.asks(found, site),
        "approval": presenting.approval(found, site),
        "per_hour": presenting.per_hour(found, site),
    }


def _may_configure(request: HttpRequest, category: Category) -> bool:
    """Whether the settings would let the person change this policy."""
    person = person_of(request)
    may_open = person.is_staff and person.has_perm("policy.change_categorypolicy")
    return may_open and grants.of(person).may("configure", category.pk)
