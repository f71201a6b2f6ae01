"""The machine signs both stages under a certificate, through the door of people. What is not exactly so is for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from patterns import services as patterns
from patterns import trust
from portal.access.models import Person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate.models import Category, Target
from portal.jobs.testing import drain
from portal.kit.actors import Ref, system
from portal.kit.refusals import Refusal, Refused
from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate, Freeze, Plan, QuorumRule, Vote
from portal.signoff.services import NewPlan
from portal.signoff.states import PlanStatus, Stage
from portal.signoff.testing import give_by_machine
from remediation.autonomy import testing, voting
from remediation.autonomy.testing import Earned
from remediation.connectors.lab import first_day
from remediation.connectors.models import Connector
from remediation.desk.testing import as_
from remediation.drafting import schema
from remediation.drafting.models import Attempt
from remediation.execution.models import Run
from remediation.knowledge.models import Runbook
from remediation.policy.models import CategoryPolicy
from remediation.policy.share import place_of
from remediation.review import by_machine
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.review.models import Objection
from remediation.tickets.models import Ticket

AUTONOMY = system("general")


@pytest.fixture
def earned(earned: Earned, lab_connectors: Any, settings: Any) -> Earned:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.AUTO_REMEDIATION_REQUIRE_APPROVAL = False
    return earned


def votes() -> list[tuple[str, str, int | None]]:
    rows = Vote.objects.exclude(plan__stage=Stage.GRANT).order_by("id")
    return list(rows.values_list("plan__stage", "person__username", "certificate_id"))


def merge_plan(ticket: Ticket) -> Plan:
    return Plan.objects.get(ticket_key=ticket.key, stage=Stage.MERGE, status=PlanStatus.OPEN)


def test_with_a_certificate_the_machine_signs_both_stages_and_workers_run_it(earned: Earned) -> None:
    certificate = testing.granted(earned)
    ticket = testing.drafted(earned.cast, "INC-1")
    results = drain("probe", "general")
    assert votes() == [("merge", "autonomy", certificate.pk), ("rollout", "autonomy", certificate.pk)], results
    drain()
    assert Run.objects.get().status == "succeeded"
    assert review.remediation_of(ticket).status == "succeeded"
    signed = Event.objects.filter(kind="plan.signed", ticket_key="INC-1")
    assert {(event.actor_kind, event.actor_name) for event in signed} == {("system", "general")}
    assert [audit.body_of(event)["certificate"] for event in signed] == [certificate.pk] * 2
    page = as_(earned.cast["auditor"]).get("/tickets/INC-1/review").content.decode()
    assert page.count(f'signed by <a href="/certificates/{certificate.pk}">certificate #{certificate.pk}</a>') == 2
    assert f"Under certificate #{certificate.pk}." in page


def test_what_the_machine_signed_no_worker_runs_once_the_way_back_failed_elsewhere(earned: Earned) -> None:
    testing.granted(earned)
    ticket = testing.drafted(earned.cast, "INC-1")
    drain("probe", "general")
    testing.went_back(at=timezone.now(), worked=False, number=1000)
    (told,) = drain("execution")
    assert "Refused: No: scale_deployment: Rollback unproven: 1 of 2 worked" in told
    assert not Run.objects.exists()
    assert review.remediation_of(ticket).status == "approved_for_rollout"


# --- one thing is not so, and no machine signs


def nothing(earned: Earned, settings: Any) -> None:
    """Nobody asked."""


def only_asked(earned: Earned, settings: Any) -> None:
    testing.asked(earned)


def revoked(earned: Earned, settings: Any) -> None:
    take_away(testing.granted(earned))


def expired(earned: Earned, settings: Any) -> None:
    testing.granted(earned, days=1, at=timezone.now() - timedelta(days=1, seconds=1))


def other_pattern(earned: Earned, settings: Any) -> None:
    testing.for_another(earned, pattern=Ref("patterns.pattern", earned.pattern.pk + 1, "Another one"))


def other_action(earned: Earned, settings: Any) -> None:
    testing.for_another(earned, action="restart_pod")


def other_category(earned: Earned, settings: Any) -> None:
    testing.for_another(earned, category=Category.objects.get(slug="network"))


def other_environment(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    Target.objects.filter(identity=first_day.SECONDARY).update(environment="staging")


def only_the_ticket_says_staging(earned: Earned, settings: Any) -> None:
    testing.for_another(earned, environment="staging")


def outside_the_share(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    assert place_of("kubernetes", "INC-1") >= 20
    CategoryPolicy.objects.update(machine_share=20)


def share_off(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    CategoryPolicy.objects.update(machine_share=0)


def below_the_threshold(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    CategoryPolicy.objects.update(auto_approve_threshold=100)


def no_threshold(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    CategoryPolicy.objects.update(auto_approve_threshold=None)


def policy_asks(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    CategoryPolicy.objects.update(requires_approval=True)


def policy_off(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    CategoryPolicy.objects.update(is_enabled=False)


def site_asks(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    settings.AUTO_REMEDIATION_REQUIRE_APPROVAL = True


def switched_off(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    settings.AUTO_REMEDIATION_ENABLED = "false"


def not_eligible(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    settings.PATTERN_MIN_OCCURRENCES = 1_000
    patterns.refold(earned.pattern.pk, at=timezone.now())


def another_runbook(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    Runbook.objects.filter(slug="scale-deployment").update(digest="0" * 64)


def account_off(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    Person.objects.filter(username="autonomy").update(is_active=False)


def two_sign(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    QuorumRule.objects.create(stage=Stage.MERGE, needed=2)


def nobody_answers(earned: Earned, settings: Any) -> None:
    testing.granted(earned)
    Connector.objects.update(read_url="http://127.0.0.1:9/")


BEFORE: list[Callable[[Earned, Any], None]] = [
    nothing,
    only_asked,
    revoked,
    expired,
    other_pattern,
    other_action,
    other_category,
    other_environment,
    only_the_ticket_says_staging,
    outside_the_share,
    share_off,
    below_the_threshold,
    no_threshold,
    policy_asks,
    policy_off,
    site_asks,
    switched_off,
    not_eligible,
    another_runbook,
    account_off,
    two_sign,
    nobody_answers,
]


def take_away(certificate: Certificate) -> None:
    trust.revoke(certificate, reason="On second thought.", actor=AUTONOMY, at=timezone.now())


def refused(ticket: Ticket) -> None:
    """The job leaves the plan to people, and so does the service if somebody calls it past the job."""
    results = drain("general")
    assert [each for each in results if each.startswith("autonomy.vote: Left to people")], results
    assert votes() == []
    account = Person.objects.get(username="autonomy")
    with pytest.raises(Refusal):
        by_machine.sign_by_certificate(merge_plan(ticket).pk, person=account, at=timezone.now())
    assert votes() == []


@pytest.mark.parametrize("spoil", BEFORE, ids=lambda spoil: spoil.__name__)
def test_one_thing_is_missing_and_it_is_left_to_people(
    earned: Earned, settings: Any, spoil: Callable[[Earned, Any], None]
) -> None:
    spoil(earned, settings)
    ticket = testing.drafted(earned.cast, "INC-1", environment="staging")
    drain("probe")
    refused(ticket)


def test_a_machine_s_refused_vote_is_in_the_trail_once_and_names_the_certificate_and_the_reasons(
    earned: Earned,
) -> None:
    certificate = testing.granted(earned)
    testing.drafted(earned.cast, "INC-1")
    CategoryPolicy.objects.update(requires_approval=True)
    drain("probe")
    plan = Plan.objects.get(ticket_key="INC-1")
    for _delivery in range(3):
        voting.vote(plan.pk, at=timezone.now())
    event = Event.objects.get(kind="plan.refused")
    assert (event.actor_kind, event.actor_name, event.ticket_key) == ("system", "general", "INC-1")
    told = audit.body_of(event)
    assert (told["certificate"], told["for"], told["answer"]) == (certificate.pk, "autonomy", 422)
    assert "asks for approval" in str(told["reasons"])
    frozen(earned, review.remediation_of(Ticket.objects.get(key="INC-1")).ticket)
    voting.vote(plan.pk, at=timezone.now())
    *_, last = Event.objects.filter(kind="plan.refused")
    assert last.pk != event.pk, "another reason is another event"
    assert not votes()


def test_without_a_certificate_for_the_fix_nothing_is_refused_and_nothing_written(
    earned: Earned, settings: Any
) -> None:
    other_action(earned, settings)
    testing.drafted(earned.cast, "INC-1")
    drain("probe", "general")
    assert not Event.objects.filter(kind="plan.refused").exists()


def edited(earned: Earned, ticket: Ticket) -> None:
    remediation = review.remediation_of(ticket)
    head = remediation.revisions.latest("number")
    draft = schema.from_text(head.content).model_dump(mode="json") | {"summary": "The same, in my words."}
    person, at = earned.cast["reviewer"], timezone.now()
    reviews.revise(remediation.pk, draft=draft, base_digest=head.digest, person=person, door="page", at=at)
    drain("probe")


def revoked_late(earned: Earned, ticket: Ticket) -> None:
    take_away(Certificate.objects.get())


def another_model(earned: Earned, ticket: Ticket) -> None:
    remediation, at = review.remediation_of(ticket), timezone.now()
    Attempt.objects.create(
        remediation=remediation, drafter="claude", model="next", outcome="drafted", started_at=at, ended_at=at
    )


def opted_out(earned: Earned, ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(enable_auto_remediation=False)


def frozen(earned: Earned, ticket: Ticket) -> None:
    person, now = earned.cast["policy admin"], timezone.now()
    Freeze.objects.create(reason="Year end", starts_at=now, ends_at=now + timedelta(days=1), created_by=person)


def stopped(earned: Earned, ticket: Ticket) -> None:
    person = earned.cast["operator"]
    brakes.engage(scope="all", reason="Smoke.", person=person, door="page", at=timezone.now())


def objected(earned: Earned, ticket: Ticket) -> None:
    remediation = review.remediation_of(ticket)
    Objection.objects.create(
        remediation=remediation,
        revision=remediation.revisions.latest("number"),
        kind=Objection.Kind.CHANGES,
        reason=Objection.Reason.OTHER,
        comment="Not so.",
        person=earned.cast["reviewer"],
        at=timezone.now(),
    )


@pytest.mark.parametrize(
    "spoil",
    [edited, revoked_late, another_model, opted_out, frozen, stopped, objected],
    ids=lambda spoil: spoil.__name__,
)
def test_one_thing_changes_once_the_plan_is_open_and_it_is_left_to_people(
    earned: Earned, spoil: Callable[[Earned, Ticket], None]
) -> None:
    testing.granted(earned)
    ticket = testing.drafted(earned.cast, "INC-1")
    drain("probe")
    spoil(earned, ticket)
    refused(ticket)


def test_what_is_critical_is_never_signed_by_a_machine_whatever_its_certificate(earned: Earned) -> None:
    certificate = testing.for_another(earned, action="scale_deployment")
    plan = signoffs.open_plan(
        NewPlan(
            stage=Stage.MERGE,
            subject=Ref("drafting.remediation", 10**6, "one"),
            category_id=earned.pattern.category_id,
            risk="critical_write",
            content="countersign.plan/1\n{}",
            makers=[],
            valid_until=timezone.now() + timedelta(hours=1),
        ),
        actor=AUTONOMY,
        at=timezone.now(),
    )
    account = Person.objects.get(username="autonomy")
    with pytest.raises(Refused, match="critical"):
        give_by_machine(plan, account, certificate, at=timezone.now())
    with pytest.raises(IntegrityError, match="live certificate"), transaction.atomic():
        Vote.objects.create(
            plan=plan,
            digest=plan.digest,
            excluded=plan.excluded,
            person=account,
            principal=account,
            certificate=certificate,
            door="job",
            at=timezone.now(),
            expires_at=timezone.now() + timedelta(hours=1),
        )


def test_a_draft_of_a_critical_action_is_left_to_people(earned: Earned) -> None:
    testing.granted(earned)
    ticket = review.ticket(earned.cast["engineer"], "INC-1")
    review.drafted(ticket, review.with_command())
    Ticket.objects.filter(pk=ticket.pk).update(pattern=earned.pattern)
    results = drain("probe", "general")
    assert [each for each in results if each.startswith("autonomy.vote: Left to people")], results
    assert votes() == []


def test_what_was_signed_and_not_claimed_goes_back_to_people_when_the_certificate_ends(
    earned: Earned, settings: Any
) -> None:
    certificate = testing.granted(earned)
    ticket = testing.drafted(earned.cast, "INC-1")
    drain("probe", "general")
    assert review.remediation_of(ticket).status == "approved_for_rollout"
    take_away(certificate)
    drain("general", "probe")
    assert review.remediation_of(ticket).status == "in_review"
    assert merge_plan(ticket).votes.count() == 0
    drain()
    assert not Run.objects.exists()
