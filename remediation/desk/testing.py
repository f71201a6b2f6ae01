"""What tests of the API start from: people with tokens, and incidents as they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.access.testing import caller
from portal.jobs.testing import drain
from remediation.review import testing as review
from remediation.tickets.models import Ticket

V1 = "/api/v1"


def incident(key: str = "INC-1", **changes: Any) -> dict[str, Any]:
    """The body of a ticket about the payments pods."""
    body: dict[str, Any] = {
        "ticket_id": key,
        "title": "Payments pods unhealthy, secondary pool under-scaled",
        "description": "The secondary pool is too small for the load.",
        "category": "kubernetes",
        "severity": "sev1",
        "service": "payments",
        "enable_auto_remediation": True,
        "evidence": [
            {
                "kind": "command",
                "text": "payments-secondary 2/2",
                "command": "kubectl get deploy",
                "observed_at": (timezone.now() - timedelta(minutes=3)).isoformat(),
            }
        ],
    }
    return {**body, **changes}


def callers(cast: dict[str, Person]) -> dict[str, APIClient]:
    """A client with every scope for everybody, by role."""
    return {role: caller(person) for role, person in cast.items()}


def in_review(engineer: APIClient, key: str = "INC-1", draft: dict[str, Any] | None = None) -> None:
    """Open a ticket through the API and bring a draft of it to review; the lab answers the probes."""
    opened = engineer.post(f"{V1}/tickets", incident(key), format="json")
    if opened.status_code != 201:  # noqa: PLR2004 - created
        raise AssertionError(opened.content)
    review.drafted(Ticket.objects.get(key=key), draft)
    drain("probe")


def as_(person: Person) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(person)
    return client
