"""The machine's signature, through the same door as people's: decide, then the sign-off, then the state (laws 2 and 4).

It takes what people may override as well: every minimum, every safety answer known, a live certificate for exactly this
fix, and a ticket within the share that the policy leaves to the machine.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.access.models import Person
from portal.kit.actors import system
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate, Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.policy import certified
from remediation.review import plans, proposing, standing, voiding
from remediation.review.signing import Signed, decide_again, go_on, refuse_blocked, subject_of

AUTONOMY = system("general")


def sign_by_certificate(plan_id: int, *, person: Person, at: datetime) -> Signed:
    """Sign an open plan for the machine account. Refused with every reason why it is left to people."""
    if not person.is_active:
        raise NotAllowed(because("inactive", f"The account {person} is switched off."))
    remediation_id = subject_of(plan_id)
    if found := voiding.settle(remediation_id, actor=AUTONOMY, at=at):
        raise StaleTransition(because("changed", voiding.reason_of(found), "digest"))
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        plan = Plan.objects.select_for_update(of=("self",)).select_related("category").get(pk=plan_id)
        refuse_blocked(remediation, plan, at)
        certificate = _certificate(remediation, plan, at)
        plan = signoffs.give_by_certificate(plan.pk, certificate=certificate, person=person, at=at)
        if plan.status == PlanStatus.SIGNED:
            go_on(remediation, plan, AUTONOMY, at)
    return Signed(Stage(plan.stage), plan, standing.of(remediation, at=at).missing)


def _certificate(remediation: Remediation, plan: Plan, at: datetime) -> Certificate:
    """The certificate under which the decision of this moment lets the machine sign, locked until the vote is in."""
    verdict = decide_again(remediation, plan, AUTONOMY, at)
    revision = remediations.head(remediation)
    if verdict is None or revision is None:
        raise StaleTransition(because("not_open", f"The {plan.stage} plan is {plan.status}."))
    if not verdict.machine_may_sign:
        raise Refused(*(because("left_to_people", text) for text in verdict.leaves_to_people))
    revision.remediation = remediation
    proposed = proposing.proposal(schema.from_text(revision.content), plans.read(plan.content).steps, ())
    cover = certified.cover_of(revision, proposed.actions, at=at)
    if cover.certificate is None:
        raise Refused(because("certificate", f"No certificate: {cover.says}"))
    return Certificate.objects.select_for_update(of=("self",)).get(pk=cover.certificate.pk)
