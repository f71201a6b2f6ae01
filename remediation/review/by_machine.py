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
from remediation.policy import certified
from remediation.review import plans, proposing, standing, voiding
from remediation.review.reading import Reading
from remediation.review.signing import Signed, conclude, decide_again, locked, refuse_blocked, subject_of

AUTONOMY = system("general")


def sign_by_certificate(plan_id: int, *, person: Person, at: datetime) -> Signed:
    """Sign an open plan for the machine account. Refused with every reason why it is left to people.

    The trail keeps what was refused under a certificate; without one the machine had no vote to give.
    """
    if not person.is_active:
        raise NotAllowed(because("inactive", f"The account {person} is switched off."))
    if found := voiding.settle(subject_of(plan_id), actor=AUTONOMY, at=at):
        raise StaleTransition(because("changed", voiding.reason_of(found), "digest"))
    with transaction.atomic():
        covering = _covering(*locked(plan_id), at)
    kept = signoffs.machine_refusals_kept(plan_id, certificate=covering, person=person, at=at)
    with kept, transaction.atomic():
        plan, read = locked(plan_id)
        refuse_blocked(plan, standing.of_reading(read, at=at))
        certificate = _certificate(plan, read, at)
        plan = signoffs.give_by_certificate(plan, certificate=certificate, person=person, at=at)
        return conclude(read, plan, AUTONOMY, at)


def _certificate(plan: Plan, read: Reading, at: datetime) -> Certificate:
    """The certificate under which the decision of this moment lets the machine sign, locked until the vote is in."""
    verdict = decide_again(plan, read, AUTONOMY, at)
    if verdict is None:
        raise StaleTransition(because("not_open", f"The {plan.stage} plan is {plan.status}."))
    if not verdict.machine_may_sign:
        raise Refused(*(because("left_to_people", text) for text in verdict.leaves_to_people))
    return Certificate.objects.select_for_update(of=("self",)).get(pk=_covering(plan, read, at).pk)


def _covering(plan: Plan, read: Reading, at: datetime) -> Certificate:
    """The certificate in force for exactly this fix."""
    proposed = proposing.proposal(read.draft, plans.read(plan.content).steps, ())
    cover = certified.cover_of(read.revision, proposed.actions, at=at)
    if cover.certificate is None:
        raise Refused(because("certificate", f"No certificate: {cover.says}"))
    return cover.certificate
