"""Lists of certificates and of what one allowed, page by page, for pages and API alike."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.kit.paging import Page, page_of
from portal.signoff.models import Certificate, Vote
from portal.signoff.states import PlanStatus

PAGE = 30
NEWEST_FIRST = ["-id"]


class State(StrEnum):
    """Where a certificate stands at a moment."""

    ASKED = "asked"
    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"
    LAPSED = "lapsed"
    """Asked for, and nobody granted it in time."""


def state_of(certificate: Certificate, *, at: datetime) -> State:
    """Where a certificate stands now."""
    if certificate.revoked_at:
        return State.REVOKED
    if certificate.granted_at:
        return State.LIVE if certificate.is_live(at) else State.EXPIRED
    plan = certificate.plan
    is_open = plan is not None and plan.status == PlanStatus.OPEN and plan.valid_until > at
    return State.ASKED if is_open else State.LAPSED


def certificates(
    person: Person, *, state: str = "", pattern_id: int = 0, after: str | None = None, size: int = PAGE, at: datetime
) -> Page[Certificate]:
    """The certificates of the categories a person may see, the newest first."""
    rows = _with_people(Certificate.objects.filter(category__in=grants.categories(person, "see")))
    if pattern_id:
        rows = rows.filter(pattern_id=pattern_id)
    if state:
        rows = rows.filter(_in(State(state), at))
    return page_of(rows, order=NEWEST_FIRST, after=after, size=size)


def find(person: Person, certificate_id: int) -> Certificate | None:
    """A certificate that the person may see; any other does not exist for them."""
    found = _with_people(Certificate.objects.filter(pk=certificate_id)).first()
    return found if found and grants.of(person).may("see", found.category_id) else None


def allowed(certificate: Certificate, *, after: str | None = None, size: int = PAGE) -> Page[Vote]:
    """The signatures given under a certificate, with the runs that they led to."""
    rows = certificate.votes.select_related("plan", "plan__run")
    return page_of(rows, order=NEWEST_FIRST, after=after, size=size)


def _with_people(rows: QuerySet[Certificate]) -> QuerySet[Certificate]:
    return rows.select_related("category", "asked_by", "plan").prefetch_related("plan__votes__person")


def _in(state: State, at: datetime) -> Q:
    is_open = Q(plan__status=PlanStatus.OPEN, plan__valid_until__gt=at)
    return {
        State.REVOKED: Q(revoked_at__isnull=False),
        State.LIVE: Q(revoked_at=None, granted_at__lte=at, expires_at__gt=at),
        State.EXPIRED: Q(revoked_at=None, granted_at__isnull=False, expires_at__lte=at),
        State.ASKED: Q(revoked_at=None, granted_at=None) & is_open,
        State.LAPSED: Q(revoked_at=None, granted_at=None) & ~is_open,
    }[state]
