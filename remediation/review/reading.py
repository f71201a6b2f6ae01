"""What a review is about, with each thing read once, however many judge it: what voids, what blocks, what decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.brakes import Hold
from portal.signoff.models import Plan
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.policy import services as policies
from remediation.policy.models import CategoryPolicy
from remediation.review import jailing, plans, proposing
from remediation.review.plans import PlanStep
from remediation.review.proposing import World
from remediation.tickets.models import Evidence


@dataclass(frozen=True)
class Reading:
    """The newest revision and a plan, as they stood when they were first asked for. Under the lock they stay so."""

    remediation: Remediation
    revision: Revision
    plan: Plan | None
    _holds: dict[datetime, Hold] = field(default_factory=dict)

    @cached_property
    def draft(self) -> schema.Draft:
        """What the revision says."""
        return schema.from_text(self.revision.content)

    @cached_property
    def evidence(self) -> Sequence[Evidence]:
        """Everything that was given for the ticket."""
        return proposing.given_for(self.remediation)

    @cached_property
    def policy(self) -> CategoryPolicy | None:
        """What the category's policy says."""
        return policies.policy_of(self.remediation.category_id)

    @cached_property
    def world(self) -> World:
        """What a plan of the draft would be made of."""
        return World(
            self.policy,
            self.evidence,
            proposing.places_of(self.draft),
            signoffs.rules(),
            proposing.players_for(self.draft),
            jailing.kept(self.revision, self.draft),
        )

    @cached_property
    def steps(self) -> tuple[PlanStep, ...]:
        """What the plan carries out; nothing without one."""
        return plans.read(self.plan.content).steps if self.plan else ()

    def hold(self, at: datetime) -> Hold:
        """The stop and the freeze that keep workers from these steps at that moment."""
        if at not in self._holds:
            connectors = plans.connectors_of(self.steps)
            self._holds[at] = brakes.hold(category=self.remediation.category, connectors=connectors, at=at)
        return self._holds[at]


def of(remediation: Remediation, plan: Plan | None) -> Reading | None:
    """The reading of a remediation and the plan that is looked at; None before the first draft."""
    revision = remediations.head(remediation)
    if revision is None:
        return None
    revision.remediation = remediation
    return Reading(remediation, revision, plan)
