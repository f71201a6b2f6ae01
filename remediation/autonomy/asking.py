"""The verbs of a certificate: ask, grant, take back. What the record lacks is refused here, whoever the door is for.

The figures are looked at when somebody asks and again when somebody grants; in between, whatever goes wrong voids the
question (`patterns.trust`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from patterns import services as patterns
from patterns import trust
from patterns.models import Pattern
from portal.access import grants
from portal.access.models import Person
from portal.kit.actors import Door
from portal.kit.refusals import Refused, StaleTransition, because
from portal.notices import services as notices
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate
from portal.signoff.services import Ballot, NewCertificate
from remediation.autonomy import fixes
from remediation.autonomy.fixes import Fix, Standing
from remediation.drafting import origin
from remediation.policy import certified

LONGEST = timedelta(days=90)


def ask(fix: Fix, *, days: int, person: Person, door: Door, at: datetime) -> Certificate:
    """Ask that the machine may sign this fix; another policy admin decides. Refused with all that is lacking."""
    grants.require(person, "configure", fix.pattern.category)
    standing = fixes.look(fix, at=at)
    if standing.evidence is None or standing.lacking:
        raise Refused(*(because("lacking", text) for text in standing.lacking))
    if not 1 <= days <= LONGEST.days:
        raise Refused(because("days", f"A certificate lasts 1 to {LONGEST.days} days.", "days"))
    new = NewCertificate(
        pattern=patterns.ref(fix.pattern),
        action=fix.action,
        environment=fix.environment,
        category=fix.pattern.category,
        evidence=standing.evidence.data,
        expires_at=at + timedelta(days=days),
    )
    with transaction.atomic():
        certificate = signoffs.ask(new, person=person, door=door, at=at)
        _tell(certificate, f"{person} asks that the machine may sign {certificate}.", "asked", but=person, at=at)
    return certificate


def grant(certificate_id: int, *, digest: str, person: Person, ballot: Ballot, door: Door, at: datetime) -> Certificate:
    """Sign the question of somebody else. Refused if the record does not carry it any more."""
    certificate = Certificate.objects.select_related("category", "plan").get(pk=certificate_id)
    plan = certificate.plan
    if plan is None or certificate.revoked_at:
        raise StaleTransition(because("over", "Nothing is asked for here any more."))
    with signoffs.refusals_kept(plan.pk, person=person, door=door, at=at), transaction.atomic():
        if reasons := not_carried(certificate, at=at):
            raise Refused(*(because("lacking", text) for text in reasons))
        granted = signoffs.grant(plan.pk, digest=digest, person=person, ballot=ballot, door=door, at=at)
        if granted.granted_at:
            text = f"{person} granted that the machine may sign {granted}, until {granted.expires_at:%Y-%m-%d}."
            _tell(granted, text, "granted", but=person, at=at)
    return granted


def take_back(certificate_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> Certificate:
    """Revoke a certificate, or turn its question down: one policy admin is enough for less autonomy."""
    trust.take_back(certificate_id, reason=reason, person=person, door=door, at=at)
    return Certificate.objects.get(pk=certificate_id)


def not_carried(certificate: Certificate, *, at: datetime) -> list[str]:
    """What the fix lacks now, and what changed of its origin since somebody asked; empty while it may be granted."""
    standing = standing_of(certificate, at=at)
    known = certified.evidence_of(certificate).origin
    now = standing.evidence.origin if standing.evidence else None
    return [*standing.lacking, *(origin.changes(known, now) if now else ())]


def standing_of(certificate: Certificate, *, at: datetime) -> Standing:
    """The fix of a certificate as it stands now."""
    pattern = Pattern.objects.select_related("category").get(pk=certificate.pattern_id)
    return fixes.look(Fix(pattern, certificate.action, certificate.environment), at=at)


def _tell(certificate: Certificate, text: str, what: str, *, but: Person, at: datetime) -> None:
    people = [each for each in trust.concerned_by(certificate) if each.pk != but.pk]
    key = f"certificate:{certificate.pk}:{what}"
    path = trust.path_of(certificate)
    notices.tell(people, kind="certificate", ticket_key="", text=text, path=path, at=at, key=key)
