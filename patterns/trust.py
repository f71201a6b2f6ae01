"""Takes certificates away: in the transaction of whatever went wrong, or by a person, and everybody concerned hears."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from portal.access import grants
from portal.access.models import Person
from portal.kit.actors import Actor, Door
from portal.notices import services as notices
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate, Plan
from portal.signoff.states import PlanStatus


def distrust(*, pattern_id: int, action: str, environment: str, reason: str, actor: Actor, at: datetime) -> int:
    """Revoke what is in force for one kind of fix, and turn down what is asked for; returns how many.

    Call it in the transaction that says what went wrong: there is no moment at which both are true.
    """
    with transaction.atomic():
        concerned = _locked(Q(pattern_id=pattern_id, action=action, environment=environment), at)
        for certificate in concerned:
            revoke(certificate, reason=reason, actor=actor, at=at)
    return len(concerned)


def revoke(certificate: Certificate, *, reason: str, actor: Actor, at: datetime) -> None:
    """Revoke one certificate and tell who asked, who granted, and the policy admins of the category."""
    with transaction.atomic():
        _tell(signoffs.revoke(certificate.pk, reason=reason, actor=actor, at=at), at)


def take_back(certificate_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> None:
    """A policy admin revokes a certificate by hand, or turns its question down."""
    with transaction.atomic():
        _locked(Q(pk=certificate_id), at)
        _tell(signoffs.take_back(certificate_id, reason=reason, person=person, door=door, at=at), at)


def concerned_by(certificate: Certificate) -> list[Person]:
    """Who asked, who granted, and who configures the category; nobody twice."""
    votes = certificate.plan.votes.select_related("person") if certificate.plan else ()
    admins = grants.holders("configure", certificate.category)
    people = [certificate.asked_by, *(vote.person for vote in votes), *admins]
    return list({each.pk: each for each in people}.values())


def path_of(certificate: Certificate) -> str:
    """The page of a certificate."""
    return f"/certificates/{certificate.pk}"


def _locked(of: Q, at: datetime) -> list[Certificate]:
    """What is in force or asked for, locked: plans before certificates, as a grant does it."""
    is_asked = Q(granted_at=None, plan__status=PlanStatus.OPEN)
    found = Certificate.objects.filter(of, is_asked | Q(granted_at__isnull=False, expires_at__gt=at), revoked_at=None)
    list(Plan.objects.select_for_update().filter(pk__in=found.values("plan")).order_by("pk"))
    return list(found.select_for_update(of=("self",)).order_by("pk"))


def _tell(certificate: Certificate, at: datetime) -> None:
    what = "The certificate" if certificate.granted_at else "The question for a certificate"
    text = f"{what} of {certificate} was revoked by {certificate.revoked_by}: {certificate.revoke_reason}"
    notices.tell(
        concerned_by(certificate),
        kind="certificate",
        ticket_key="",
        text=text,
        path=path_of(certificate),
        at=at,
        key=f"certificate:{certificate.pk}:revoked",
    )
