"""The style guide: every component with sample data, for those who build pages and for the browser tests."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from portal.kit import samples


@require_safe
@login_required
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component; it is a page for staff, or for anybody while debugging."""
    if not (settings.DEBUG or request.user.is_staff):
        raise Http404
    return render(request, "kit/styleguide.html", samples.everything(now()))
