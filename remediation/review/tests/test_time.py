"""Time and signatures: approved ahead, frozen, refused and kept in the trail, expired and back in review."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from portal.access.models import Person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Vote
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.policy.models import CategoryPolicy, Decision
from remediation.review import lapsing, standing
from remediation.review import services as reviews
from remediation.review.testing import AT, drafted, remediation_of, shown, ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")
HOUR = timedelta(hours=1)
TONIGHT = (AT + 12 * HOUR, AT + 14 * HOUR)


@pytest.fixture
def merged(cast: dict[str, Person]) -> Remediation:
    """A remediation whose merge stage is signed."""
    opened = ticket(cast["engineer"])
    drafted(opened)
    drain("probe")
    remediation = remediation_of(opened)
    sign(remediation, cast["reviewer"])
    return remediation_of(opened)


def open_plan(remediation: Remediation) -> Plan:
    return Plan.objects.get(subject_id=remediation.pk, status=PlanStatus.OPEN)


def sign(
    remediation: Remediation, who: Person, window: tuple[datetime, datetime] | tuple[None, None] = (None, None)
) -> Plan:
    plan = open_plan(remediation)
    ballot = Ballot(runs_from=window[0], runs_until=window[1], sheet=shown(plan, at=AT))
    reviews.sign(plan.pk, digest=plan.digest, stage=plan.stage, person=who, ballot=ballot, door="page", at=AT)
    plan.refresh_from_db()
    return plan


def freeze(cast: dict[str, Person], since: datetime, until: datetime) -> None:
    brakes.freeze(
        category=None,
        reason="Year's end",
        starts_at=since,
        ends_at=until,
        person=cast["policy admin"],
        door="page",
        at=AT,
    )


def test_nothing_is_signed_during_a_freeze_but_a_run_after_it_is(cast: dict[str, Person], merged: Remediation) -> None:
    freeze(cast, AT - HOUR, AT + 11 * HOUR)
    with pytest.raises(Refused, match="Year's end"):
        sign(merged, cast["approver"])
    assert sign(merged, cast["approver"], TONIGHT).status == PlanStatus.SIGNED
    vote = Vote.objects.latest("id")
    assert (vote.runs_from, vote.runs_until, vote.expires_at) == (*TONIGHT, TONIGHT[1])


def test_no_run_is_approved_into_a_freeze_or_out_of_the_hours(cast: dict[str, Person], merged: Remediation) -> None:
    freeze(cast, AT + 11 * HOUR, AT + 13 * HOUR)
    with pytest.raises(Refused, match="Year's end"):
        sign(merged, cast["approver"], TONIGHT)
    ended = brakes.freezes(at=AT)[0]
    brakes.end_freeze(ended.pk, person=cast["policy admin"], door="page", at=AT)
    CategoryPolicy.objects.update(hours_start=time(9), hours_end=time(17))
    reviews.prepare_again(merged.pk, person=cast["reviewer"], door="page", at=AT)
    drain("probe")
    sign(merged, cast["reviewer"])
    with pytest.raises(Refused, match="09:00"):
        sign(merged, cast["approver"], TONIGHT)
    assert sign(merged, cast["approver"], (AT + HOUR, AT + 2 * HOUR)).status == PlanStatus.SIGNED


def test_a_refused_signature_leaves_its_reasons_and_nothing_else(cast: dict[str, Person], merged: Remediation) -> None:
    decisions = Decision.objects.count()
    with pytest.raises(NotAllowed):
        sign(merged, cast["auditor"])
    freeze(cast, AT - HOUR, AT + HOUR)
    with pytest.raises(Refused):
        sign(merged, cast["approver"])
    assert Decision.objects.count() == decisions
    refused = Event.objects.filter(kind="plan.refused").order_by("id")
    assert [(event.actor_name, event.ticket_key) for event in refused] == [
        ("auditor", "INC-1"),
        ("approver", "INC-1"),
    ]
    assert "Year's end" in str(audit.body_of(refused[1])["reasons"])


@pytest.mark.parametrize("has_signed", [True, False], ids=["signed", "unsigned"])
def test_what_nobody_signed_or_claimed_in_time_is_back_in_review(
    cast: dict[str, Person], merged: Remediation, has_signed: object
) -> None:
    plan = sign(merged, cast["approver"]) if has_signed else open_plan(merged)
    late = plan.valid_until
    assert signoffs.sweep(at=late) == 1
    assert drain("probe")[-1].startswith("review.bring_back: Back in review: ")
    merged.refresh_from_db()
    assert merged.status == Status.IN_REVIEW
    assert not Plan.objects.filter(status__in=[PlanStatus.OPEN, PlanStatus.SIGNED]).exists()
    assert "Ask for a fresh" in standing.of(remediation_of(merged.ticket), at=late).missing[0]


def test_a_fresh_plan_survives_the_news_that_an_older_one_expired(cast: dict[str, Person], merged: Remediation) -> None:
    old = open_plan(merged)
    reviews.prepare_again(merged.pk, person=cast["reviewer"], door="page", at=AT)
    drain("probe")
    sign(merged, cast["reviewer"])
    assert lapsing.bring_back(old.pk, at=AT) == "Nothing was left of it."
    assert open_plan(merged).stage == Stage.ROLLOUT


def test_a_plan_that_was_swept_cannot_be_signed(cast: dict[str, Person], merged: Remediation) -> None:
    plan = open_plan(merged)
    signoffs.sweep(at=plan.valid_until)
    ballot, asked = Ballot(), {"digest": plan.digest, "stage": plan.stage}
    with pytest.raises(StaleTransition):
        reviews.sign(plan.pk, **asked, person=cast["approver"], ballot=ballot, door="page", at=AT)
