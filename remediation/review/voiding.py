"""Whether a live plan still says what is true. One that does not is voided, with the reason, and made anew.

What a plan would say today is worked out from the rows and compared with what it says. So passing time voids nothing,
and neither does anything that the plan does not speak of.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from portal.jobs import services as jobs
from portal.kit import canonical
from portal.kit.actors import Actor
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import LIVE, Stage
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.review import plans, proposing, reading, standing
from remediation.review.changing import Change, changes_of
from remediation.review.preparing import return_to_review
from remediation.review.reading import Reading

MOST_TOLD = 8
"""Of more changes than these the reason says how many there are."""


def settle(remediation_id: int, *, actor: Actor, at: datetime) -> list[Change]:
    """Void the live plans of a remediation that no longer say what is true; answers with everything that differs."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        found = differences(reading.of(remediation, standing.plan_of(remediation)))
        if found:
            void(remediation, found, actor=actor, at=at)
    return found


def void(remediation: Remediation, found: Sequence[Change], *, actor: Actor, at: datetime) -> None:
    """Void the live plans of a locked remediation because of these changes, and have a fresh one prepared."""
    begin_again(remediation, reason=reason_of(found), actor=actor, at=at)


def begin_again(remediation: Remediation, *, reason: str, actor: Actor, at: datetime) -> None:
    """Void the live plans of a locked remediation, tell who signed them, and have a fresh one prepared."""
    for plan in signoffs.live_plans(remediation.ref):
        jobs.publish("plan.untrue", subject_id=plan.pk, at=at)
    return_to_review(remediation, reason=reason, actor=actor, at=at)
    revision = remediations.head(remediation)
    if revision:
        jobs.publish("revision.created", subject_id=revision.pk, at=at)


def reason_of(found: Sequence[Change]) -> str:
    """Changes as the sentence that stands beside a void plan."""
    told = ". ".join(change.text for change in found[:MOST_TOLD])
    more = len(found) - MOST_TOLD
    return f"It no longer says what is true. {told}.{f' And {more} more.' if more > 0 else ''}"


def differences(read: Reading | None) -> list[Change]:
    """What the plan that was read says and what is no longer so; empty where it is not live."""
    plan = read.plan if read else None
    if read is None or plan is None or plan.status not in LIVE:
        return []
    if canonical.digest_of(plan.content) != plan.digest:
        return []  # not the text that anybody signed: the claim refuses it, and says so
    return _from_today(plan, read)


def _from_today(plan: Plan, read: Reading) -> list[Change]:
    """The plan against what would be planned today."""
    draft, world = read.draft, read.world
    reports = proposing.reports_of(draft, world)
    failed = [(report, finding) for report in reports for finding in report.findings]
    if failed:
        return [Change(f"Gate {report.gate}", "passed", "yes", f"no. {found.text}") for report, found in failed]
    steps = plans.compile_steps(draft, world.places)
    today = proposing.content_of(read.revision, draft, steps, reports, world)
    if plan.stage == Stage.ROLLOUT and plan.merge_plan:
        today = proposing.as_rollout(today, plan.merge_plan, read.remediation, world.rules)
    return changes_of(plan.content, plans.text_of(today))
