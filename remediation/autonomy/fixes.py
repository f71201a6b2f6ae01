"""How far each kind of fix has come: its record, its way back, and all that it lacks for a certificate. Reads only.

A fix is what a certificate is about: one pattern, met by one action in one environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from patterns import reads
from patterns.models import Occurrence, Pattern
from patterns.record import Asked, Deed, lacking, record_of
from portal.estate.models import Environment
from portal.signoff.models import Certificate
from portal.signoff.states import PlanStatus
from remediation.connectors.catalogue import OPERATIONS
from remediation.connectors.operations import Risk
from remediation.drafting import services as remediations
from remediation.drafting.origin import Origin, operations_in
from remediation.policy.evidence import Evidence, Rollback
from remediation.wayback import services as waysback
from remediation.wayback.record import Record


@dataclass(frozen=True, slots=True)
class Fix:
    """One pattern, met by one action in one environment."""

    pattern: Pattern
    action: str
    environment: str

    def __str__(self) -> str:
        return f"{self.action} in {self.environment} for {self.pattern.title}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a fix; `certificate` is in force or asked for. Without `evidence` no record can help."""

    fix: Fix
    evidence: Evidence | None
    lacking: tuple[str, ...]
    certificate: Certificate | None


def asked_for() -> Asked:
    """What a certificate asks for, from the site's settings."""
    return Asked(settings.CERTIFICATE_MIN_TICKETS, settings.CERTIFICATE_MIN_LOWER_BOUND * 10)


def of_pattern(pattern: Pattern, *, at: datetime) -> list[Standing]:
    """Every fix that was tried for a pattern lately, in a fixed number of queries."""
    rows = reads.executed(pattern.pk)
    fixes = [Fix(pattern, *each) for each in dict.fromkeys((row.action, row.environment) for row in rows)]
    return _standings(pattern, fixes, rows, at)


def look(fix: Fix, *, at: datetime) -> Standing:
    """The standing of one fix now."""
    rows = reads.executed(fix.pattern.pk, action=fix.action, environment=fix.environment)
    return _standings(fix.pattern, [fix], rows, at)[0]


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything that the standings of some fixes of one pattern are made from."""

    runs: Mapping[tuple[str, str], Sequence[Occurrence]]
    disliked: set[int]
    origins: Mapping[str, Origin]
    ways_back: Mapping[str, Record]
    certificates: Mapping[tuple[str, str], Certificate]


def _standings(pattern: Pattern, fixes: Sequence[Fix], rows: Sequence[Occurrence], at: datetime) -> list[Standing]:
    actions = sorted({fix.action for fix in fixes})
    origins = remediations.current_origins(actions)
    runs = {
        (fix.action, fix.environment): [
            row for row in rows if (row.action, row.environment) == (fix.action, fix.environment)
        ]
        for fix in fixes
    }
    known = _Known(
        runs=runs,
        disliked=reads.disliked(pattern.pk, {row.ticket_id for row in rows}),
        origins=origins,
        ways_back=waysback.records_of(name for action in actions for name in operations_in(action)),
        certificates={(each.action, each.environment): each for each in _certificates(pattern, at)},
    )
    return [_standing(fix, known) for fix in fixes]


def _standing(fix: Fix, known: _Known) -> Standing:
    key = (fix.action, fix.environment)
    certificate, origin = known.certificates.get(key), known.origins.get(fix.action)
    if never := _never(fix):
        return Standing(fix, None, tuple(never), certificate)
    if origin is None:
        return Standing(fix, None, ("No drafter has written anything here yet.",), certificate)
    deeds = [Deed(row.ticket_id, row.ticket_key, bool(row.succeeded), row.fingerprint) for row in known.runs[key]]
    record, asked = record_of(deeds, disliked=known.disliked, fingerprint=origin.digest), asked_for()
    rollback = _rollback([known.ways_back[name] for name in operations_in(fix.action)])
    unproven = [] if rollback.is_proven else [rollback.says]
    return Standing(fix, Evidence(record, asked, rollback, origin), (*lacking(record, asked), *unproven), certificate)


def _never(fix: Fix) -> list[str]:
    """What no record can make up for."""
    found = []
    if fix.environment not in Environment.values:
        found.append("Its targets are not all of one environment that the estate knows.")
    for name in operations_in(fix.action):
        operation = OPERATIONS.get(name)
        if operation is None:
            found.append(f"“{name}” is no operation of the catalogue; people run that.")
        elif operation.declared_risk is Risk.CRITICAL_WRITE:
            found.append(f"{name} is critical, and no machine signs what is critical.")
    return found


def _certificates(pattern: Pattern, at: datetime) -> list[Certificate]:
    """In force or asked for; of two for one fix, the one that is asked for comes first and so gives way."""
    in_force = Q(granted_at__isnull=False, expires_at__gt=at)
    is_asked = Q(granted_at=None, plan__status=PlanStatus.OPEN, plan__valid_until__gt=at)
    rows = Certificate.objects.filter(in_force | is_asked, pattern_id=pattern.pk, revoked_at=None)
    return sorted(rows, key=lambda each: each.granted_at is not None)


def _rollback(ways_back: Sequence[Record]) -> Rollback:
    """What is known of the ways back of a fix; one that is unproven is enough."""
    if unproven := [each for each in ways_back if not each.is_proven]:
        return Rollback("unproven", " ".join(f"{each.operation}: {each.says}" for each in unproven))
    return Rollback("exercised", " ".join(f"{each.operation}: {each.says}" for each in ways_back))
