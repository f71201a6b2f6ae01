"""Certificates: asked for by one policy admin, granted by another one's signature, revoked by whoever sees them fail.

A certificate is one more subject of the same sign-off: its plan has the stage `grant`, and who asked is its maker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Category
from portal.jobs import services as jobs
from portal.kit import canonical
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import Refused, StaleTransition, because
from portal.kit.statements import Query, given
from portal.signoff import plans, voting
from portal.signoff.models import Certificate
from portal.signoff.plans import NewPlan
from portal.signoff.ruling import requirement
from portal.signoff.states import PlanStatus, Stage
from portal.signoff.voting import Ballot

VERSION = "countersign.certificate/1"
TIME_TO_GRANT = timedelta(days=7)
RISK = "safe_write"
"""The most a certificate can ever cover; its plan is signed like one of that risk."""


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """What is asked for. `evidence` is what the record says, with no floats in it: it is part of the signed text."""

    pattern: Ref
    action: str
    environment: str
    category: Category
    evidence: Mapping[str, Any]
    expires_at: datetime


def ask(new: NewCertificate, *, person: Person, door: Door, at: datetime) -> Certificate:
    """Ask for a certificate: its plan is open for the signature of another policy admin."""
    grants.require(person, "configure", new.category)
    if new.expires_at <= at:
        raise Refused(because("expires_at", "A certificate ends in the future.", "expires_at"))
    with transaction.atomic():
        _refuse_second(new)
        certificate = Certificate.objects.create(
            pattern_id=new.pattern.id,
            pattern_name=new.pattern.name,
            action=new.action,
            environment=new.environment,
            category=new.category,
            evidence=canonical.text_of(dict(new.evidence), version=VERSION),
            asked_by=person,
            asked_at=at,
            expires_at=new.expires_at,
        )
        certificate.plan = plans.open_plan(_plan_for(certificate, new, at), actor=person.at(door), at=at)
        certificate.save(update_fields=["plan"])
        _record("certificate.asked", certificate, actor=person.at(door), at=at)
    return certificate


def grant(plan_id: int, *, digest: str, person: Person, ballot: Ballot, door: Door, at: datetime) -> Certificate:
    """Sign the plan of a certificate; the last signature it needs puts it into force, in the place of an older one."""
    with voting.refusals_kept(plan_id, person=person, door=door, at=at), transaction.atomic():
        plan = voting.give(voting.locked(plan_id), digest=digest, person=person, ballot=ballot, door=door, at=at)
        certificate = Certificate.objects.select_for_update().get(plan=plan)
        if plan.status == PlanStatus.SIGNED:
            actor = person.at(door)
            plans.claim(plan.pk, actor=actor, at=at)
            _end_older(certificate, actor=actor, at=at)
            certificate.granted_at = at
            certificate.save(update_fields=["granted_at"])
            _record("certificate.granted", certificate, actor=actor, at=at)
            jobs.publish("certificate.granted", subject_id=certificate.pk, at=at)
    return certificate


def revoke(certificate_id: int, *, reason: str, actor: Actor, at: datetime) -> Certificate:
    """End a certificate, or the question whether to grant it. Plans signed under it are not claimed any more."""
    if not reason.strip():
        raise Refused(because("reason", "Say why, in a few words.", "reason"))
    with transaction.atomic():
        live = plans.live_plans(_ref(Certificate.objects.get(pk=certificate_id)))  # plan before certificate, as `grant`
        certificate = Certificate.objects.select_for_update().get(pk=certificate_id)
        if certificate.revoked_at:
            raise StaleTransition(because("revoked", "The certificate has been revoked before."))
        _revoke(certificate, reason.strip(), actor=actor, at=at)
        for plan in live:
            plans.void(plan, reason=reason.strip(), actor=actor, at=at)
    return certificate


def take_back(certificate_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> Certificate:
    """A policy admin revokes a certificate or turns its question down; one person is enough to have less autonomy."""
    category = Certificate.objects.select_related("category").get(pk=certificate_id).category
    grants.require(person, "configure", category)
    return revoke(certificate_id, reason=reason, actor=person.at(door), at=at)


def live_certificate(pattern_id: int, action: str, environment: str, *, at: datetime) -> Certificate | None:
    """The certificate in force for this pattern, action and environment."""
    return _LIVE.first(pattern=pattern_id, action=action, environment=environment, at=at)


def _in_force() -> QuerySet[Certificate]:
    rows = Certificate.objects.filter(pattern_id=given("pattern"), action=given("action"), revoked_at=None)
    return rows.filter(environment=given("environment"), granted_at__lte=given("at"), expires_at__gt=given("at"))[:1]


_LIVE = Query(_in_force)


def _refuse_second(new: NewCertificate) -> None:
    waiting = Certificate.objects.filter(
        pattern_id=new.pattern.id, action=new.action, environment=new.environment, revoked_at=None, granted_at=None
    )
    if waiting.filter(plan__status=PlanStatus.OPEN).exists():
        raise StaleTransition(because("asked", "This certificate has been asked for and waits for a signature."))


def _plan_for(certificate: Certificate, new: NewCertificate, at: datetime) -> NewPlan:
    content = {
        "certificate": certificate.pk,
        "pattern": {"id": new.pattern.id, "name": new.pattern.name},
        "action": new.action,
        "environment": new.environment,
        "category": new.category.slug,
        "expires_at": new.expires_at.isoformat(),
        "evidence": dict(new.evidence),
        "asked_by": certificate.asked_by_id,
    }
    wanted = requirement(stage=Stage.GRANT, category_id=new.category.pk, risk=RISK)
    return NewPlan(
        stage=Stage.GRANT,
        subject=_ref(certificate),
        category_id=new.category.pk,
        risk=RISK,
        content=canonical.text_of(content, version=VERSION),
        makers=[certificate.asked_by_id],
        valid_until=at + TIME_TO_GRANT,
        needed=wanted.needed,
        needed_groups=wanted.groups,
        votes_last_minutes=TIME_TO_GRANT // timedelta(minutes=1),
    )


def _end_older(certificate: Certificate, *, actor: Actor, at: datetime) -> None:
    """At most one is in force: an expired one, or the one that this renews, is over."""
    older = Certificate.objects.select_for_update().filter(
        pattern_id=certificate.pattern_id,
        action=certificate.action,
        environment=certificate.environment,
        granted_at__isnull=False,
        revoked_at=None,
    )
    for each in older:
        _revoke(each, "A newer certificate took its place.", actor=actor, at=at)


def _revoke(certificate: Certificate, reason: str, *, actor: Actor, at: datetime) -> None:
    certificate.revoked_at, certificate.revoke_reason, certificate.revoked_by = at, reason, actor.name
    certificate.save(update_fields=["revoked_at", "revoke_reason", "revoked_by"])
    _record("certificate.revoked", certificate, actor=actor, at=at, reason=reason)
    jobs.publish("certificate.revoked", subject_id=certificate.pk, at=at)


def _ref(certificate: Certificate) -> Ref:
    return Ref("signoff.certificate", certificate.pk, str(certificate))


def _record(kind: str, certificate: Certificate, *, actor: Actor, at: datetime, reason: str = "") -> None:
    data = {
        "pattern": certificate.pattern_name,
        "action": certificate.action,
        "environment": certificate.environment,
        "expires_at": certificate.expires_at.isoformat(),
        "reason": reason,
    }
    audit.record(kind, actor=actor, at=at, subject=_ref(certificate), data=data)
