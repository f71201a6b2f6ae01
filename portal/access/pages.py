"""What every page needs to know about who is asking."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from portal.access.models import Person


def person_of(request: HttpRequest) -> Person:
    """Who is signed in; views behind `login_required` always have somebody."""
    if not isinstance(request.user, Person):
        raise Http404
    return request.user
