"""The machine looks at every plan that opens, once, and signs what a certificate covers; all else is left to people."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, QuerySet

from patterns import trust
from portal.access.models import Person
from portal.kit.actors import system
from portal.kit.refusals import Refusal
from portal.kit.statements import Query, given
from portal.notices import services as notices
from portal.signoff.models import Certificate, Plan, Vote
from portal.signoff.states import BY_MACHINES, LIVE, PlanStatus
from remediation.autonomy.seed import ACCOUNT
from remediation.drafting import services as remediations
from remediation.policy import certified
from remediation.policy.models import CategoryPolicy
from remediation.review import by_machine, voiding

AUTONOMY = system("general")
SOON = timedelta(days=3)


def vote(plan_id: int, *, at: datetime) -> str:
    """Sign an open plan if everything allows it; says in a sentence what came of it."""
    plan = _PLAN.one(id=plan_id)
    if plan.status != PlanStatus.OPEN or plan.stage not in BY_MACHINES:
        return f"Nothing to sign: the {plan.stage} plan is {plan.status}."
    if not _is_left_to_machine(plan, at):
        return (
            "Left to people: no certificate is in force in this category, or its policy leaves nothing to the machine."
        )
    account = Person.objects.filter(username=ACCOUNT, kind=Person.Kind.MACHINE, is_active=True).first()
    if account is None:
        return "Left to people: the machine's account is switched off."
    try:
        signed = by_machine.sign_by_certificate(plan_id, person=account, at=at)
    except Refusal as refusal:
        return f"Left to people: {refusal}"
    return f"Signed the {signed.stage} stage."


def go_back(certificate_id: int, *, at: datetime) -> str:
    """Bring back to review what was signed under a certificate that is revoked, unless a run has claimed it."""
    certificate = Certificate.objects.get(pk=certificate_id)
    signed = Vote.objects.filter(certificate=certificate, plan__status__in=LIVE)
    concerned = list(signed.order_by("plan__subject_id").values_list("plan__subject_id", flat=True).distinct())
    reason = f"Certificate #{certificate.pk} was revoked: {certificate.revoke_reason}"
    for remediation_id in concerned:
        with transaction.atomic():
            remediation = remediations.locked(remediation_id)
            voiding.begin_again(remediation, reason=reason, actor=AUTONOMY, at=at)
    return f"{len(concerned)} plans are back in review."


def check(*, at: datetime) -> str:
    """Revoke the certificates of an origin that is no longer in use, and remind of those that run out soon."""
    in_force = Certificate.objects.filter(revoked_at=None, granted_at__isnull=False, expires_at__gt=at)
    rows = list(in_force.select_related("category", "asked_by", "plan"))
    revoked = [each for each in rows if (changed := certified.outdated(each)) and _revoke(each, changed, at)]
    for each in rows:
        if each not in revoked and each.expires_at <= at + SOON:
            _remind(each, at)
    return f"{len(revoked)} of {len(rows)} certificates were revoked."


def _is_left_to_machine(plan: Plan, at: datetime) -> bool:
    """The cheap question first: most plans of most installations end here, and nothing is written for them."""
    return _IN_FORCE.first(category=plan.category_id, at=at) is not None


def _in_force() -> QuerySet[Certificate]:
    """A certificate of a category whose policy leaves something to the machine."""
    leaves_some = CategoryPolicy.objects.filter(category=given("category"), machine_share__gt=0)
    rows = Certificate.objects.filter(Exists(leaves_some), category=given("category"), revoked_at=None)
    return rows.filter(granted_at__lte=given("at"), expires_at__gt=given("at"))[:1]


_PLAN = Query(lambda: Plan.objects.filter(pk=given("id")))
_IN_FORCE = Query(_in_force)


def _revoke(certificate: Certificate, changed: list[str], at: datetime) -> bool:
    revoked = trust.distrust(
        pattern_id=certificate.pattern_id,
        action=certificate.action,
        environment=certificate.environment,
        reason=f"It was earned by another origin. {' '.join(changed)}",
        actor=AUTONOMY,
        at=at,
    )
    return bool(revoked)


def _remind(certificate: Certificate, at: datetime) -> None:
    text = f"The certificate of {certificate} runs out on {certificate.expires_at:%Y-%m-%d}."
    notices.tell(
        trust.concerned_by(certificate),
        kind="certificate",
        ticket_key="",
        text=text,
        path=trust.path_of(certificate),
        at=at,
        key=f"certificate:{certificate.pk}:expires",
    )
