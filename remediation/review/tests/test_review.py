"""From a first revision to two signatures, and every way it is held up, against the real database and the real lab."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from portal.access.models import Person
from portal.audit.models import Event
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refusal, Refused, StaleTransition
from portal.notices.models import Notice
from portal.signoff import brakes
from portal.signoff.models import Freeze, Plan, Vote
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus
from remediation.connectors.testing import LabProcess
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.policy.models import CategoryPolicy, Decision
from remediation.review import plans, preparing, standing
from remediation.review import services as reviews
from remediation.review.testing import (
    AT,
    drafted,
    remediation_of,
    scale,
    shown,
    ticket,
    with_command,
)
from remediation.tickets.models import Ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")


@pytest.fixture
def incident(cast: dict[str, Person]) -> Ticket:
    return ticket(cast["engineer"])


@pytest.fixture
def reviewed(incident: Ticket) -> Remediation:
    """A remediation whose first revision is ready for review."""
    drafted(incident)
    drain("probe")
    return remediation_of(incident)


@pytest.mark.parametrize("forgotten", ["engineer", "reviewer"])
def test_no_plan_forgets_a_maker(reviewed: Remediation, cast: dict[str, Person], forgotten: str) -> None:
    revise(reviewed, cast["reviewer"], scale(summary="Scale the secondary pool."))
    drain("probe")
    plan = plan_of(reviewed)
    makers = {cast["engineer"].pk, cast["reviewer"].pk}
    assert makers <= set(plan.makers)
    Plan.objects.filter(pk=plan.pk).update(status=PlanStatus.VOID)
    plan.pk, plan.makers = None, sorted(makers - {cast[forgotten].pk})
    with pytest.raises(IntegrityError, match="names everybody who made it"), transaction.atomic():
        plan.save(force_insert=True)


def plan_of(remediation: Remediation) -> Plan:
    plan = standing.plan_of(remediation)
    assert plan is not None
    return plan


def sign(remediation: Remediation, who: Person, **changes: Any) -> reviews.Signed:
    plan = plan_of(remediation)
    arguments: dict[str, Any] = {"digest": plan.digest, "stage": plan.stage, "person": who, "door": "page", "at": AT}
    at = changes.get("at", AT)
    ballot = Ballot(typed=plan.ticket_key, authenticated_at=at, sheet=shown(plan, at=at))
    return reviews.sign(plan.pk, **{**arguments, "ballot": ballot, **changes})


def revise(remediation: Remediation, who: Person, draft: dict[str, Any], **changes: Any) -> Any:
    head = remediation.revisions.latest("number")
    arguments: dict[str, Any] = {"draft": draft, "base_digest": head.digest, "person": who, "door": "page", "at": AT}
    return reviews.revise(remediation.pk, **{**arguments, **changes})


def prepare_again(remediation: Remediation, who: Person) -> None:
    reviews.prepare_again(remediation.pk, person=who, door="page", at=AT)
    drain("probe")


def test_a_good_draft_becomes_a_plan_that_two_different_people_sign(
    cast: dict[str, Person], reviewed: Remediation
) -> None:
    assert reviewed.status == Status.IN_REVIEW
    assert reviewed.ticket.status == "awaiting_review"
    assert reviewed.risk == "safe_write"

    signed = sign(reviewed, cast["reviewer"])
    assert (signed.stage, signed.missing) == ("merge", ["1 rollout sign-off", "a rollout sign-off by payments owners"])
    assert remediation_of(reviewed.ticket).ticket.status == "awaiting_approval"
    merge = signed.plan
    rollout = plan_of(reviewed)
    assert plans.read(rollout.content).merge_digest == merge.digest

    signed = sign(reviewed, cast["approver"])
    assert (signed.stage, signed.missing) == ("rollout", [])
    assert remediation_of(reviewed.ticket).status == Status.APPROVED_FOR_ROLLOUT
    assert Job.objects.filter(kind="execution.start", subject_id=rollout.pk).count() == 1


def test_every_decision_is_kept_with_its_reasons(cast: dict[str, Person], reviewed: Remediation) -> None:
    sign(reviewed, cast["reviewer"])
    first, second = Decision.objects.filter(remediation=reviewed).order_by("id")
    assert (first.moment, second.moment) == ("draft", "signoff")
    assert not first.allowed
    assert first.requires_approval
    assert first.shadow["verdict"] == "await_approval"
    questions = [line["question"] for line in first.reasoning]
    assert questions[0] == "Is the emergency stop off?"
    assert questions[-1] == "What follows?"
    checks = {check["name"]: check["answer"] for check in first.safety_checks}
    assert checks["system_healthy"] is True
    assert checks["backup_available"] is True


def test_who_signed_merge_cannot_sign_rollout_unless_the_team_is_small(
    cast: dict[str, Person], reviewed: Remediation, settings: LazySettings
) -> None:
    sign(reviewed, cast["approver"])
    with pytest.raises(NotAllowed, match="signed the merge stage"):
        sign(reviewed, cast["approver"])
    settings.SMALL_TEAM = True
    prepare_again(reviewed, cast["reviewer"])
    sign(reviewed, cast["approver"])
    assert sign(reviewed, cast["approver"]).missing == []


def test_whoever_edits_is_a_maker_and_their_edit_voids_what_was_signed(
    cast: dict[str, Person], reviewed: Remediation
) -> None:
    sign(reviewed, cast["approver"])
    revise(reviewed, cast["second approver"], scale(summary="Six pods, and watch the queue."))
    assert remediation_of(reviewed.ticket).status == Status.IN_REVIEW
    assert not Plan.objects.filter(status__in=[PlanStatus.OPEN, PlanStatus.SIGNED]).exists()
    drain("probe")
    with pytest.raises(NotAllowed, match="wrote part of it"):
        sign(reviewed, cast["second approver"])
    sign(reviewed, cast["reviewer"])


@pytest.mark.parametrize("role", ["engineer", "operator", "policy admin", "auditor"])
def test_a_role_without_the_grant_cannot_sign(cast: dict[str, Person], reviewed: Remediation, role: str) -> None:
    with pytest.raises(NotAllowed):
        sign(reviewed, cast[role])
    assert not Vote.objects.exists()


def test_the_requester_cannot_sign_whatever_their_roles(cast: dict[str, Person], reviewed: Remediation) -> None:
    cast["engineer"].groups.add(*cast["approver"].groups.all())
    with pytest.raises(NotAllowed, match="asked for this"):
        sign(reviewed, Person.objects.get(pk=cast["engineer"].pk))


def test_a_reviewer_cannot_sign_the_rollout(cast: dict[str, Person], reviewed: Remediation) -> None:
    sign(reviewed, cast["approver"])
    with pytest.raises(NotAllowed, match="Sign the rollout stage"):
        sign(reviewed, cast["reviewer"])


def test_only_the_approvers_that_the_policy_names_sign(cast: dict[str, Person], reviewed: Remediation) -> None:
    owners = Group.objects.create(name="pool owners")
    CategoryPolicy.objects.get(category=reviewed.category).approvers.add(owners)
    prepare_again(reviewed, cast["reviewer"])
    with pytest.raises(NotAllowed, match="In the category Kubernetes only these sign: pool owners"):
        sign(reviewed, cast["reviewer"])
    cast["reviewer"].groups.add(owners)
    assert sign(reviewed, cast["reviewer"]).stage == "merge"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"digest": "0" * 64}, StaleTransition),
        ({"stage": "rollout"}, StaleTransition),
        ({"at": AT + timedelta(days=2)}, Refusal),
    ],
)
def test_what_was_not_read_cannot_be_signed(
    cast: dict[str, Person], reviewed: Remediation, changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        sign(reviewed, cast["reviewer"], **changes)
    assert not Vote.objects.exists()


def test_review_items_block_until_confirmed_and_survive_an_edit_elsewhere(
    cast: dict[str, Person], incident: Ticket
) -> None:
    drafted(incident, with_command())
    drain("probe")
    remediation = remediation_of(incident)
    with pytest.raises(Refused, match="1 of 1 REVIEW items are not confirmed"):
        sign(remediation, cast["approver"])
    (entry,) = reviews.standing(remediation, at=AT).checklist
    tick: dict[str, Any] = {"person": cast["reviewer"], "door": "page", "at": AT}
    reviews.tick(remediation.pk, item=entry.item.item, is_confirmed=True, **tick)
    revise(remediation, cast["reviewer"], with_command() | {"summary": "Cap it for good."})
    drain("probe")
    assert reviews.standing(remediation, at=AT).missing == ["1 merge sign-off"]
    reviews.tick(remediation.pk, item=entry.item.item, is_confirmed=False, **tick)
    assert "REVIEW" in reviews.standing(remediation, at=AT).missing[0]
    with pytest.raises(StaleTransition, match="is gone"):
        reviews.tick(remediation.pk, item="0" * 64, is_confirmed=True, **tick)


def test_a_draft_that_fails_a_gate_waits_for_a_person_and_has_no_plan(
    cast: dict[str, Person], incident: Ticket
) -> None:
    broken = scale()
    broken["scope"]["allowed_changes"] = ["restart_pod"]
    drafted(incident, broken)
    drain("probe")
    remediation = remediation_of(incident)
    assert remediation.status == Status.NEEDS_PERSON
    assert "scale_deployment is not among the allowed changes" in remediation.status_reason
    assert standing.plan_of(remediation) is None
    revise(remediation, cast["reviewer"], scale())
    drain("probe")
    assert remediation_of(incident).status == Status.IN_REVIEW


def test_an_edit_on_an_old_base_or_without_a_change_is_refused(cast: dict[str, Person], reviewed: Remediation) -> None:
    with pytest.raises(StaleTransition, match="newer revision"):
        revise(reviewed, cast["reviewer"], scale(summary="x"), base_digest="0" * 64)
    with pytest.raises(Refused, match="word for word"):
        revise(reviewed, cast["reviewer"], scale())
    with pytest.raises(NotAllowed):
        revise(reviewed, cast["engineer"], scale(summary="x"))
    with pytest.raises(Refused) as refused:
        revise(reviewed, cast["reviewer"], scale(rollback_minutes="soon", danger=1))
    assert {reason.field for reason in refused.value.reasons} == {"draft.rollback_minutes", "draft.danger"}


def test_an_old_revision_is_not_prepared(cast: dict[str, Person], reviewed: Remediation) -> None:
    old = reviewed.revisions.get()
    revise(reviewed, cast["reviewer"], scale(summary="Six pods."))
    assert preparing.prepare(old.pk, at=AT) == "A newer revision took its place."
    assert not Plan.objects.filter(status=PlanStatus.OPEN).exists()


def test_requested_changes_block_this_revision_and_tell_its_makers(
    cast: dict[str, Person], reviewed: Remediation
) -> None:
    with pytest.raises(Refused, match="Say in a comment"):
        reviews.request_changes(reviewed.pk, comment="  ", person=cast["approver"], door="page", at=AT)
    reviews.request_changes(reviewed.pk, comment="Only four.", person=cast["approver"], door="page", at=AT)
    assert Notice.objects.get().person == cast["engineer"]
    drain("probe")
    prepare_again(reviewed, cast["reviewer"])
    with pytest.raises(Refused, match=r"asked for changes: Only four\."):
        sign(reviewed, cast["second approver"])
    revise(reviewed, cast["reviewer"], scale(summary="Four."))
    drain("probe")
    assert sign(reviewed, cast["second approver"]).missing[0] == "1 rollout sign-off"


def test_a_rejection_ends_the_remediation_from_review_and_from_approval(
    cast: dict[str, Person], reviewed: Remediation
) -> None:
    sign(reviewed, cast["approver"])
    reject: dict[str, Any] = {"comment": "Not the cause.", "person": cast["reviewer"], "door": "page", "at": AT}
    with pytest.raises(Refused, match="Choose a reason"):
        reviews.reject(reviewed.pk, reason="mood", **reject)
    reviews.reject(reviewed.pk, reason="wrong_cause", **reject)
    after = remediation_of(reviewed.ticket)
    assert (after.status, after.ticket.status) == (Status.REJECTED, "rejected")
    with pytest.raises(StaleTransition):
        reviews.reject(reviewed.pk, reason="wrong_cause", **reject)


def test_the_emergency_stop_holds_up_the_rollout_and_not_the_merge(
    cast: dict[str, Person], reviewed: Remediation
) -> None:
    brakes.engage(scope="category:kubernetes", reason="Odd latencies", person=cast["operator"], door="page", at=AT)
    sign(reviewed, cast["reviewer"])
    with pytest.raises(Refused, match="Odd latencies"):
        sign(reviewed, cast["approver"])


def test_old_evidence_blocks_until_it_is_refreshed(cast: dict[str, Person], reviewed: Remediation) -> None:
    reviewed.category.policy.plan_valid_minutes = 10_000
    reviewed.category.policy.save()
    prepare_again(reviewed, cast["reviewer"])
    with pytest.raises(Refused, match="older than the policy allows"):
        sign(reviewed, cast["reviewer"], at=AT + timedelta(minutes=1_441))


def test_an_unrelated_critical_alert_is_a_hard_stop_for_the_rollout(
    cast: dict[str, Person], incident: Ticket, lab: LabProcess
) -> None:
    storefront = "kubernetes:lab-k8s/shop/deployment/storefront"
    draft = scale()
    draft["scope"]["systems"] = [storefront]
    for each in draft["steps"][0]["action"]["parameters"]:
        each["value"] = {"namespace": "shop", "deployment": "storefront", "from_replicas": 4}.get(
            each["name"], each["value"]
        )
    drafted(incident, draft)
    drain("probe")
    remediation = remediation_of(incident)
    sign(remediation, cast["reviewer"])
    with pytest.raises(Refused, match="storefront_pods_unready"):
        sign(remediation, cast["approver"])


def test_every_step_of_a_review_is_in_the_audit_trail(cast: dict[str, Person], reviewed: Remediation) -> None:
    revise(reviewed, cast["reviewer"], scale(summary="Six."))
    drain("probe")
    sign(reviewed, cast["approver"])
    sign(reviewed, cast["second approver"])
    kinds = list(Event.objects.filter(ticket_key="INC-1").order_by("id").values_list("kind", flat=True))
    expected = ["ticket.opened", "revision.created", "plan.opened", "plan.voided", "plan.signed", "plan.completed"]
    assert [kind for kind in expected if kind not in kinds] == []
    assert kinds.count("plan.signed") == 2
    assert kinds.count("decision.made") == 4


def test_a_rejected_remediation_is_followed_by_a_new_one(cast: dict[str, Person], reviewed: Remediation) -> None:
    reviews.reject(reviewed.pk, reason="unsafe", comment="No.", person=cast["reviewer"], door="page", at=AT)
    begun = remediations.redraft(reviewed.pk, person=cast["reviewer"], door="page", at=AT)
    assert (begun.number, begun.status) == (2, Status.DRAFTING)
    assert Ticket.objects.get(key="INC-1").status == "processing"
    assert Job.objects.filter(kind="drafting.redraft", subject_id=begun.pk).count() == 1
    with pytest.raises(NotAllowed):
        remediations.redraft(begun.pk, person=cast["engineer"], door="page", at=AT)
    with pytest.raises(StaleTransition, match="asked for already"):
        remediations.redraft(reviewed.pk, person=cast["reviewer"], door="page", at=AT)
    assert Job.objects.filter(kind="drafting.redraft").count() == 1


def test_a_freeze_blocks_the_rollout_on_the_page_and_at_the_door(
    cast: dict[str, Person], reviewed: Remediation
) -> None:
    Freeze.objects.create(
        reason="Quarter end",
        starts_at=AT - timedelta(hours=1),
        ends_at=AT + timedelta(hours=1),
        created_by=cast["policy admin"],
    )
    assert reviews.standing(reviewed, at=AT).blockers == []
    sign(reviewed, cast["reviewer"])
    assert "Quarter end" in reviews.standing(reviewed, at=AT).missing[0]
    with pytest.raises(Refused, match="Quarter end"):
        sign(reviewed, cast["approver"])
    assert reviews.standing(reviewed, at=AT + timedelta(hours=1)).blockers == []
