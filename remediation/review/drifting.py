"""Drift: whether the targets of a plan still look as they did when its draft was checked against them.

The pre-flights of the catalogue say what matters about a target. The first look is taken when the plan is prepared; a
pre-flight that held then, or that nobody could ask then, and does not hold now is drift, and voids what was signed: of
a role it is the execution workers alone who can ask, when they are about to claim its run. That one cannot be asked now
is none: the safety checks say so, and the run looks again before it acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from portal.kit.actors import Actor
from portal.signoff.models import Plan
from remediation.connectors import client
from remediation.connectors.asking import Ask
from remediation.drafting import services as remediations
from remediation.review import looking, plans, standing, voiding
from remediation.review.changing import Change
from remediation.review.looking import Seen
from remediation.review.models import Look


def settle(plan: Plan, *, actor: Actor, at: datetime, ask: Ask = client.read, at_once: int = 1) -> list[Change]:
    """Look at the targets of a live plan, `at_once` at a time; if they drifted, void it and answer with that."""
    seen = looking.look(plans.read(plan.content).steps, ask, at_once=at_once)
    merge = plan.merge_plan or plan
    with transaction.atomic():
        remediation = remediations.locked(plan.subject_id)
        live = standing.plan_of(remediation)
        if live is None or live.pk != plan.pk:
            return []
        drifted = drift(looking.first(merge.pk), seen)
        looking.keep(merge, seen, at=at)
        if drifted:
            voiding.void(remediation, drifted, actor=actor, at=at)
    return drifted


def drift(first: Mapping[int, Look], seen: Iterable[Seen]) -> list[Change]:
    """Which pre-flights held when the draft was checked, or could not be asked, and do not hold now."""
    return [
        Change(f"Step {each.step}", "the pre-flight on the target", _then(first[each.step]), f"not so: {each.text}")
        for each in seen
        if each.holds is False and each.step in first and first[each.step].holds is not False
    ]


def _then(look: Look) -> str:
    return f"as expected: {look.text}" if look.holds else "seen by nobody"
