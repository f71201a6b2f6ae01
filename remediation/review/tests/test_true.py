"""A plan is void once it no longer says what is true, with the reason; time and unrelated edits change nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from portal.access.models import Person
from portal.audit.models import Event
from portal.estate.models import Target
from portal.jobs.testing import drain
from portal.kit.refusals import Refused, StaleTransition
from portal.signoff.models import Plan, QuorumRule, Vote
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.policy.models import CategoryPolicy
from remediation.review import drifting, looking, rechecking, standing
from remediation.review import services as reviews
from remediation.review.looking import Seen
from remediation.review.models import Look
from remediation.review.testing import drafted, remediation_of, scale, shown, ticket
from remediation.tickets import services as tickets
from remediation.tickets.models import Evidence
from remediation.tickets.services import NewEvidence

pytestmark = pytest.mark.usefixtures("lab_connectors")


@pytest.fixture
def signed(cast: dict[str, Person]) -> Remediation:
    """A remediation whose merge plan is signed; the rollout plan is open."""
    incident = ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    drafted(incident)
    drain("probe")
    remediation = remediation_of(incident)
    sign(remediation, cast["reviewer"])
    return remediation_of(incident)


def plan_of(remediation: Remediation) -> Plan:
    plan = standing.plan_of(remediation)
    assert plan is not None
    return plan


def sign(remediation: Remediation, who: Person, **changes: Any) -> reviews.Signed:
    plan, at = plan_of(remediation), timezone.now()
    ballot = Ballot(sheet=shown(plan, at=at))
    arguments = {"digest": plan.digest, "stage": plan.stage, "person": who, "ballot": ballot, "at": at, **changes}
    return reviews.sign(plan.pk, door="page", **arguments)


def add(remediation: Remediation, who: Person, **changes: Any) -> str:
    new = NewEvidence(**{"kind": "note", "text": "The queue is empty.", "observed_at": timezone.now(), **changes})
    at = timezone.now()
    (added,) = tickets.add_evidence(remediation.ticket_id, new=[new], person=who, door="page", at=at)
    return added.ref


def policy(**changes: Any) -> Callable[[], object]:
    return lambda: CategoryPolicy.objects.filter(category__slug="kubernetes").update(**changes)


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (policy(max_actions_per_hour=3), "Policy: most actions per hour was 10, is 3"),
        (policy(forbidden_commands=["reboot"]), "Policy: forbidden commands was nothing, is reboot"),
        (lambda: QuorumRule.objects.create(stage=Stage.ROLLOUT, needed=3), "Plan: signatures needed was 1, is 3"),
        (
            lambda: Target.objects.filter(identity=first_day.SECONDARY).update(connector="elsewhere"),
            "Step 1: connector was lab-kubernetes, is elsewhere",
        ),
        (
            lambda: Target.objects.filter(identity=first_day.SECONDARY).update(identity="gone"),
            "Gate catalogue: passed was yes, is no.",
        ),
    ],
)
def test_what_no_longer_holds_voids_what_was_signed(
    cast: dict[str, Person], signed: Remediation, happens: Callable[[], object], words: str
) -> None:
    happens()
    with pytest.raises(StaleTransition, match=words) as stale:
        sign(signed, cast["approver"])
    assert stale.value.more["changes"]
    assert remediation_of(signed.ticket).status == Status.IN_REVIEW
    assert {plan.status for plan in Plan.objects.all()} == {PlanStatus.VOID}
    event = Event.objects.filter(kind="plan.voided").latest("id")
    assert (event.actor_kind, event.actor_name) == ("system", "review")


@pytest.mark.parametrize(
    "happens",
    [
        policy(evidence_max_age_minutes=2_000),
        lambda: Group.objects.create(name="gardeners"),
        lambda: QuorumRule.objects.create(stage=Stage.ROLLOUT, severity="sev4", needed=3),
        lambda: Target.objects.filter(identity=first_day.PRIMARY).update(connector="elsewhere"),
    ],
)
def test_what_the_plan_does_not_speak_of_voids_nothing(
    cast: dict[str, Person], signed: Remediation, happens: Callable[[], object]
) -> None:
    happens()
    later = timezone.now() + timedelta(minutes=90)
    assert rechecking.recheck(after=0, at=later) == "1 plans, 0 of them void."
    assert sign(signed, cast["approver"], at=later).missing == []


def test_a_plan_that_is_no_longer_true_is_found_without_anybody_looking(
    cast: dict[str, Person], signed: Remediation
) -> None:
    policy(max_actions_per_hour=3)()
    category = signed.category_id
    assert rechecking.reconsider(category, at=timezone.now()) == "1 plans are void."
    drain("probe")
    fresh = plan_of(signed)
    assert (fresh.stage, fresh.status) == (Stage.MERGE, PlanStatus.OPEN)
    voided = reviews.standing(remediation_of(signed.ticket), at=timezone.now()).voided
    assert voided is not None
    assert "most actions per hour was 10, is 3" in voided.void_reason
    sign(remediation_of(signed.ticket), cast["reviewer"])
    assert reviews.standing(remediation_of(signed.ticket), at=timezone.now()).voided is None


def test_evidence_against_the_hypothesis_voids_and_blocks_until_the_draft_cites_it(
    cast: dict[str, Person], signed: Remediation
) -> None:
    ref = add(signed, cast["engineer"], contradicts=True)
    drain("probe")
    remediation = remediation_of(signed.ticket)
    assert remediation.status == Status.IN_REVIEW
    assert "what contradicts the hypothesis was nothing, is E2" in Plan.objects.filter(status="void")[0].void_reason
    with pytest.raises(Refused, match="E2 contradicts the hypothesis"):
        sign(remediation, cast["approver"])
    draft = scale()
    draft["facts"].append({"text": "The queue is empty.", "evidence": [ref]})
    head = remediation.revisions.latest("number")
    reviews.revise(
        remediation.pk, draft=draft, base_digest=head.digest, person=cast["reviewer"], door="page", at=timezone.now()
    )
    drain("probe")
    assert sign(remediation, cast["approver"]).stage == Stage.MERGE


def test_other_evidence_voids_nothing(cast: dict[str, Person], signed: Remediation) -> None:
    add(signed, cast["engineer"])
    assert drain("probe") == []
    assert sign(signed, cast["approver"]).missing == []


def test_a_target_that_drifted_voids_what_was_signed_and_blocks_until_it_is_back(
    cast: dict[str, Person], signed: Remediation, lab: LabProcess
) -> None:
    assert [look.holds for look in Look.objects.all()] == [True]
    lab.change(first_day.SECONDARY, "replicas", 3)
    assert rechecking.recheck(after=0, at=timezone.now()) == "1 plans, 1 of them void."
    reason = Plan.objects.filter(status=PlanStatus.VOID).latest("id").void_reason
    assert "Step 1: the pre-flight on the target was as expected" in reason
    assert "replicas should be 2 and is 3" in reason
    drain("probe")
    with pytest.raises(Refused, match="The pre-flight of step 1 does not hold: replicas should be 2 and is 3"):
        sign(signed, cast["approver"])
    assert rechecking.recheck(after=0, at=timezone.now()) == "1 plans, 0 of them void."
    lab.change(first_day.SECONDARY, "replicas", 2)
    rechecking.recheck(after=0, at=timezone.now())
    assert sign(remediation_of(signed.ticket), cast["approver"]).stage == Stage.MERGE


def test_a_target_that_cannot_be_seen_has_not_drifted(
    cast: dict[str, Person], signed: Remediation, lab: LabProcess
) -> None:
    lab.fault("get_deployment", "fails")
    assert rechecking.recheck(after=0, at=timezone.now()) == "1 plans, 0 of them void."


@pytest.mark.parametrize("how", ["by hand", "by a look"])
def test_old_evidence_is_refreshed_and_nothing_that_was_signed_is_lost(
    cast: dict[str, Person], signed: Remediation, how: str
) -> None:
    Evidence.objects.update(observed_at=timezone.now() - timedelta(days=3))
    with pytest.raises(Refused, match="older than the policy allows"):
        sign(signed, cast["approver"])
    if how == "by hand":
        add(signed, cast["engineer"], refreshes="E1", text="payments-secondary 2/2")
    else:
        reviews.look_again(signed.pk, person=cast["reviewer"], door="page", at=timezone.now())
        drain("probe")
        seen = Evidence.objects.latest("number")
        assert (seen.refreshes and seen.refreshes.ref, seen.added_by) == ("E1", cast["reviewer"])
        assert seen.command.startswith("get_deployment cluster=lab-k8s")
    assert Vote.objects.filter(plan__status=PlanStatus.SIGNED).count() == 1
    assert sign(signed, cast["approver"]).missing == []


def test_only_evidence_that_is_there_can_be_refreshed(cast: dict[str, Person], signed: Remediation) -> None:
    with pytest.raises(Refused, match="has no evidence E9"):
        add(signed, cast["engineer"], refreshes="E9")


def test_whoever_read_an_older_plan_is_told_what_changed_since(cast: dict[str, Person], signed: Remediation) -> None:
    read = plan_of(signed)
    draft = scale(summary="Eight pods.")
    draft["steps"][0]["action"]["parameters"][-1]["value"] = 8
    head = signed.revisions.latest("number")
    edit: dict[str, Any] = {"draft": draft, "base_digest": head.digest, "person": cast["second approver"]}
    reviews.revise(signed.pk, **edit, door="page", at=timezone.now())
    with pytest.raises(StaleTransition, match="edited the draft") as before:
        reviews.sign(
            read.pk,
            digest=read.digest,
            stage="rollout",
            person=cast["approver"],
            ballot=Ballot(),
            door="page",
            at=timezone.now(),
        )
    assert [change["what"] for change in before.value.more["changes"]] == ["revision"]
    drain("probe")
    with pytest.raises(StaleTransition) as after:
        sign(remediation_of(signed.ticket), cast["approver"], digest=read.digest)
    changes = after.value.more["changes"]
    told = {(each["about"], each["what"]): (each["before"], each["after"]) for each in changes}
    assert told["Step 1", "parameters, to replicas"] == ("6", "8")
    assert told["Plan", "who asked for it or wrote it"] == ("engineer", "engineer, second-approver")
    assert told["Plan", "stage"] == ("rollout", "merge")


@pytest.mark.parametrize(
    ("then", "now", "has_drifted"),
    [
        (True, False, True),
        (None, False, True),  # of a role nobody but the execution workers can look, and they look at the claim
        (False, False, False),  # that blocks already, and voids nothing again and again
        (True, None, False),
        (None, True, False),
    ],
)
def test_what_was_not_seen_to_differ_when_it_was_signed_and_differs_now_has_drifted(
    then: bool | None,  # noqa: FBT001 - what a look says
    now: bool | None,  # noqa: FBT001 - as above
    has_drifted: bool,  # noqa: FBT001 - as above
) -> None:
    found = drifting.drift({1: Look(step=1, holds=then, text="Four")}, [Seen(1, now, "Five")])
    assert bool(found) is has_drifted


def test_targets_that_take_minutes_to_answer_hold_up_no_claim(
    signed: Remediation, lab: LabProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.change(first_day.SECONDARY, "replicas", 3)
    with monkeypatch.context() as hasty:
        hasty.setattr(looking, "ENOUGH_SECONDS", 0.0)
        assert not drifting.settle(plan_of(signed), actor=rechecking.REVIEW, at=timezone.now()), "its own step asks it"
    assert len(drifting.settle(plan_of(signed), actor=rechecking.REVIEW, at=timezone.now())) == 1
