"""Whether a live certificate covers a draft: the same pattern, action and environment, and written by the same origin.

Everything is looked up, nothing is taken from the ticket's words: the environment is that of the targets as the estate
knows them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.estate.models import Target
from portal.kit.statements import Query, among
from portal.signoff import services as signoffs
from portal.signoff.certificates import VERSION
from portal.signoff.models import Certificate
from remediation.drafting import origin
from remediation.drafting import services as remediations
from remediation.drafting.models import Revision
from remediation.drafting.origin import Origin
from remediation.policy import evidence
from remediation.policy.evidence import Evidence
from remediation.policy.facts import Action

_TARGETS = Query(lambda: Target.objects.filter(among("identity", "identities")))


@dataclass(frozen=True, slots=True)
class Cover:
    """The certificate that covers a draft, or why none does; `says` is a sentence that goes on after a colon."""

    certificate: Certificate | None
    says: str


def cover_of(revision: Revision, actions: Sequence[Action], *, at: datetime) -> Cover:
    """The certificate under which a machine could sign this revision now."""
    pattern_id = revision.remediation.ticket.pattern_id
    operations = tuple(dict.fromkeys(each.operation for each in actions))
    if not revision.origin:
        return Cover(None, "people wrote or changed the draft, and a certificate is for a drafter's own text.")
    environment = environment_of({each.system for each in actions})
    if pattern_id is None or not environment:
        return Cover(None, "the pattern is not known, or the targets are not of one environment.")
    found = signoffs.live_certificate(pattern_id, origin.action_of(operations), environment, at=at)
    if found is None:
        return Cover(None, f"none is live for {origin.action_of(operations)} in {environment} and this pattern.")
    if other := origin.changes(evidence_of(found).origin, origin.read(revision.origin)):
        return Cover(None, f"certificate #{found.pk} is for drafts of another origin. {' '.join(other)}")
    if other := outdated(found):
        return Cover(None, f"certificate #{found.pk} does not hold any more. {' '.join(other)}")
    return Cover(found, f"certificate #{found.pk}, until {found.expires_at:%Y-%m-%d}.")


def outdated(certificate: Certificate) -> list[str]:
    """What changed since it was asked for, of drafter, model, prompt and runbooks; empty if nothing did."""
    now = remediations.current_origins([certificate.action])
    return origin.changes(evidence_of(certificate).origin, now[certificate.action]) if now else []


def evidence_of(certificate: Certificate) -> Evidence:
    """What the certificate rests on."""
    return evidence.read(certificate.evidence, version=VERSION)


def origin_of(revision: Revision) -> Origin | None:
    """What wrote a revision; None for people."""
    return origin.read(revision.origin) if revision.origin else None


def environment_of(targets: Collection[str]) -> str:
    """The environment of all these targets; empty if they differ or one of them is not in the estate."""
    known = [target.environment for target in _TARGETS.all(identities=sorted(targets))]
    return known[0] if known and len(known) == len(targets) and len(set(known)) == 1 else ""
