"""What tests of autonomy start from: a kind of incident with a spotless record, and a certificate for its fix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from patterns import services as patterns
from patterns.models import Occurrence, Pattern
from portal.access.models import Person
from portal.estate.models import Category
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.actors import Ref, system
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate
from portal.signoff.services import Ballot, NewCertificate
from remediation.autonomy import asking, fixes, seed
from remediation.autonomy.fixes import Fix
from remediation.connectors.lab import first_day
from remediation.drafting import services as remediations
from remediation.knowledge import services as knowledge
from remediation.policy.models import CategoryPolicy
from remediation.review import testing as review
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence
from remediation.wayback import services as waysback
from remediation.wayback.services import NewTaken

ACTION, ENVIRONMENT = "scale_deployment", "production"
ENOUGH = 22
PAST = 1_000_000
"""Ids of tickets and runs that only occurrences remember."""
OPEN: dict[str, Any] = {
    "machine_share": 100,
    "auto_approve_threshold": 50,
    "min_reliability": 50,
    "min_confidence": 50,
    "max_actions_per_hour": 10,
}
"""A policy that leaves everything to the machine; the record still has to carry it."""


@dataclass(frozen=True, slots=True)
class Earned:
    """Everybody, the pattern and its fix."""

    cast: dict[str, Person]
    fix: Fix

    @property
    def pattern(self) -> Pattern:
        """The pattern of the incident."""
        return self.fix.pattern


def world(**policy: Any) -> dict[str, Person]:
    """The lab's world with its runbooks, the machine's account, two policy admins, and open policies."""
    review.world()
    knowledge.load(timezone.now())
    seed.load()
    cast = review.people()
    second = Person.objects.create_user("second-policy-admin")
    second.groups.add(*cast["policy admin"].groups.all())
    cast["second policy admin"] = second
    CategoryPolicy.objects.update(**{**OPEN, **policy})
    return cast


def drafted(cast: dict[str, Person], key: str, **changes: Any) -> Ticket:
    """A ticket of the payments incident, drafted by the runbook drafter; the job that prepares it is waiting."""
    now = timezone.now() - timedelta(minutes=3)
    shown = "NAME READY UP-TO-DATE AVAILABLE AGE\npayments-secondary   2/2     2            2           41d"
    kubectl = "kubectl --context lab-k8s -n payments get deploy payments-secondary"
    wish = "Load test figures: at this traffic payments-secondary needs 6 replicas to carry the load."
    fields: dict[str, Any] = {
        "evidence": [NewEvidence("command", shown, now, kubectl), NewEvidence("note", wish, now)],
        "affected_systems": ["payments-secondary"],
        "severity": 3,
        "service_slug": None,
    }
    review.ticket(cast["engineer"], key, **{**fields, **changes})
    drain("drafting")
    return Ticket.objects.get(key=key)


def earn(cast: dict[str, Person]) -> Earned:
    """A pattern that came so often, was met by the same fix each time, and everybody was content."""
    first = drafted(cast, "INC-FIRST")
    Job.objects.filter(queue="probe").delete()
    earned = Earned(cast, Fix(_pattern(first.pattern_id or 0), ACTION, ENVIRONMENT))
    start = timezone.now() - timedelta(days=ENOUGH)
    mark = remediations.current_origins([ACTION])[ACTION].digest
    rows = [ran(earned, number, at=start + timedelta(days=number - 1), mark=mark) for number in range(1, ENOUGH + 1)]
    rows += [praised(earned, number, at=start + timedelta(days=number - 1)) for number in range(1, ENOUGH + 1)]
    rows.append(ran(earned, 999, at=start - timedelta(days=90), mark="", environment="staging"))
    Occurrence.objects.bulk_create(rows)
    went_back(at=start - timedelta(days=90))
    patterns.refold(earned.pattern.pk, at=timezone.now())
    drain("general")
    return Earned(cast, Fix(_pattern(earned.pattern.pk), ACTION, ENVIRONMENT))


def ran(
    earned: Earned,
    number: int,
    *,
    at: datetime,
    succeeded: bool = True,
    mark: str | None = None,
    environment: str = ENVIRONMENT,
) -> Occurrence:
    """A run of the fix on a ticket of the past, by the origin that drafts now unless another one is named."""
    now = remediations.current_origins([ACTION])[ACTION].digest
    return Occurrence(
        **_of(earned, number, at),
        kind="executed",
        source=f"run:{PAST + number}",
        action=ACTION,
        environment=environment,
        succeeded=succeeded,
        fingerprint=now if mark is None else mark,
    )


def praised(earned: Earned, number: int, *, at: datetime) -> Occurrence:
    """Five stars for a ticket of the past."""
    return Occurrence(
        **_of(earned, number, at),
        kind="feedback",
        source=f"feedback:{PAST + number}",
        person_id=earned.cast["engineer"].pk,
        feedback_type="positive",
        rating=5,
        resolution_accurate=True,
        actions_worked=True,
        reliability_permille=950,
    )


def went_back(*, at: datetime, worked: bool = True, number: int = 999) -> None:
    """The way back of the fix, taken once in the past."""
    new = NewTaken(
        operation=ACTION,
        category_id=Category.objects.get(slug="kubernetes").pk,
        source=f"run:{PAST + number}:1",
        has_worked=worked,
        target=first_day.SECONDARY,
        is_lab=True,
        ticket=Ref("tickets.ticket", PAST + number, f"OLD-{number}"),
        says="" if worked else "It has 6 pods.",
    )
    waysback.keep(new, actor=system("execution"), at=at)


def _of(earned: Earned, number: int, at: datetime) -> dict[str, Any]:
    return {"pattern": earned.pattern, "ticket_id": PAST + number, "ticket_key": f"OLD-{number}", "at": at}


def _pattern(pattern_id: int) -> Pattern:
    return Pattern.objects.select_related("category").get(pk=pattern_id)


def asked(earned: Earned, *, days: int = 30, at: datetime | None = None) -> Certificate:
    """A certificate that one policy admin asks for."""
    person = earned.cast["policy admin"]
    return asking.ask(earned.fix, days=days, person=person, door="page", at=at or timezone.now())


def granted(earned: Earned, *, days: int = 30, at: datetime | None = None) -> Certificate:
    """A certificate that two policy admins put into force."""
    return sign(asked(earned, days=days, at=at), earned.cast["second policy admin"], at=at)


def sign(certificate: Certificate, person: Person, *, at: datetime | None = None) -> Certificate:
    """Somebody's signature under the question."""
    digest = certificate.plan.digest if certificate.plan else ""
    return asking.grant(
        certificate.pk, digest=digest, person=person, ballot=Ballot(), door="page", at=at or timezone.now()
    )


def for_another(earned: Earned, **changes: Any) -> Certificate:
    """A certificate in force with the same record, for another pattern, action or environment; nobody checked it."""
    standing, at = fixes.look(earned.fix, at=timezone.now()), timezone.now()
    fields = {
        "pattern": patterns.ref(earned.pattern),
        "action": ACTION,
        "environment": ENVIRONMENT,
        "category": earned.pattern.category,
        "evidence": standing.evidence.data if standing.evidence else {},
        "expires_at": at + timedelta(days=30),
    }
    new = NewCertificate(**{**fields, **changes})
    made = signoffs.ask(new, person=earned.cast["policy admin"], door="page", at=at)
    return sign_unchecked(made, earned.cast["second policy admin"])


def sign_unchecked(certificate: Certificate, person: Person) -> Certificate:
    """A signature past the room's own check of the record."""
    plan, at = certificate.plan, timezone.now()
    if plan is None:
        raise LookupError("nothing is asked for")
    return signoffs.grant(plan.pk, digest=plan.digest, person=person, ballot=Ballot(), door="page", at=at)
