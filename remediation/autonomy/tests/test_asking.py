"""Two people give autonomy on a record that carries it; whatever goes wrong takes it away in the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from feedback import services as feedback
from patterns import services as patterns
from patterns import trust
from patterns.models import Occurrence
from portal.access.models import Person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.jobs.testing import drain
from portal.kit import canonical
from portal.kit.actors import Ref, system
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.notices.models import Notice
from portal.signoff.models import Certificate, Vote
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus
from remediation.autonomy import asking, fixes, testing, voting
from remediation.autonomy.fixes import Fix
from remediation.autonomy.testing import ACTION, ENVIRONMENT, Earned
from remediation.drafting.models import Attempt
from remediation.execution.models import Run
from remediation.knowledge.models import Runbook
from remediation.tickets.models import Ticket
from remediation.wayback.models import Taken

NOW = timezone.now()
EXECUTION = system("execution")
RunningAs = Callable[[str], AbstractContextManager[None]]


def lacks(earned: Earned) -> tuple[str, ...]:
    return fixes.look(earned.fix, at=timezone.now()).lacking


def told(certificate: Certificate) -> set[str]:
    rows = Notice.objects.filter(message__kind="certificate", message__path=trust.path_of(certificate))
    return set(rows.values_list("person__username", flat=True))


# --- asking and granting


def test_one_asks_another_grants_and_both_are_on_record(earned: Earned) -> None:
    certificate = testing.asked(earned)
    assert not certificate.is_live(timezone.now())
    assert told(certificate) == {"second-policy-admin"}
    granted = testing.sign(certificate, earned.cast["second policy admin"])
    assert granted.is_live(timezone.now())
    assert told(granted) == {"policy-admin", "second-policy-admin"}
    assert granted.expires_at - granted.asked_at == timedelta(days=30)
    kinds = Event.objects.filter(subject_kind="signoff.certificate").order_by("id").values_list("kind", "actor_name")
    assert list(kinds) == [("certificate.asked", "policy-admin"), ("certificate.granted", "second-policy-admin")]


def test_the_text_that_is_signed_holds_the_figures_and_the_fingerprint(earned: Earned) -> None:
    plan = testing.asked(earned).plan
    assert plan is not None
    data = canonical.parse(plan.content, version="countersign.certificate/1")
    assert (data["action"], data["environment"]) == (ACTION, ENVIRONMENT)
    assert data["evidence"]["figures"] == {"counted": 22, "succeeded": 22, "lower_bound_permille": 851}
    assert data["evidence"]["rollback"]["state"] == "exercised"
    assert data["evidence"]["origin"]["drafter"] == "runbook"
    assert data["evidence"]["fingerprint"] == Occurrence.objects.filter(kind="executed").first().fingerprint  # type: ignore[union-attr]
    assert canonical.digest_of(plan.content) == plan.digest


def test_nobody_grants_what_they_asked_for(earned: Earned) -> None:
    certificate = testing.asked(earned)
    with pytest.raises(NotAllowed, match="You asked for this"):
        testing.sign(certificate, earned.cast["policy admin"])
    assert Certificate.objects.get().granted_at is None
    assert Event.objects.get(kind="plan.refused").actor_name == "policy-admin"


@pytest.mark.parametrize("role", ["engineer", "reviewer", "approver", "operator", "auditor"])
def test_only_policy_admins_ask_grant_and_revoke(earned: Earned, role: str) -> None:
    person, at = earned.cast[role], timezone.now()
    with pytest.raises(NotAllowed, match="Configure the policy"):
        asking.ask(earned.fix, days=30, person=person, door="page", at=at)
    certificate = testing.asked(earned)
    with pytest.raises(NotAllowed, match="Configure the policy"):
        testing.sign(certificate, person)
    with pytest.raises(NotAllowed, match="Configure the policy"):
        asking.take_back(certificate.pk, reason="No.", person=person, door="page", at=at)


def test_a_stale_digest_grants_nothing(earned: Earned) -> None:
    certificate = testing.asked(earned)
    person = earned.cast["second policy admin"]
    with pytest.raises(StaleTransition):
        asking.grant(certificate.pk, digest="0" * 64, person=person, ballot=Ballot(), door="api", at=timezone.now())


@pytest.mark.parametrize("days", [0, -1, 91])
def test_a_certificate_lasts_one_to_ninety_days(earned: Earned, days: int) -> None:
    with pytest.raises(Refused, match="1 to 90 days"):
        testing.asked(earned, days=days)


def test_asking_twice_is_one_question(earned: Earned) -> None:
    testing.asked(earned)
    with pytest.raises(StaleTransition, match="has been asked for"):
        testing.asked(earned)


def test_a_double_click_grants_once(committed_db: str) -> None:
    earned = testing.earn(testing.world())
    certificate, person = testing.asked(earned), earned.cast["second policy admin"]

    def click(_: int) -> str:
        try:
            return str(testing.sign(certificate, person).granted_at)
        except StaleTransition:
            return "stale"
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(click, range(16)))
    assert answers.count("stale") == 15
    assert Vote.objects.count() == 1
    assert Event.objects.filter(kind="certificate.granted").count() == 1


# --- what is lacking


def test_a_spotless_record_lacks_nothing(earned: Earned) -> None:
    assert lacks(earned) == ()


def another_run(earned: Earned, number: int, **fields: Any) -> None:
    testing.ran(earned, number, at=timezone.now(), **fields).save()


def test_twenty_one_tickets_are_not_enough(earned: Earned) -> None:
    Occurrence.objects.filter(ticket_id=testing.PAST + testing.ENOUGH).delete()
    assert lacks(earned) == ("21 of 21 succeeded, which is at least 84.5 % with 95 % confidence; 85 % asked for.",)
    with pytest.raises(Refused, match=r"84\.5 %"):
        testing.asked(earned)


def test_a_failure_or_an_unhappy_person_counts_against_it(earned: Earned) -> None:
    another_run(earned, 23, succeeded=False)
    assert lacks(earned)[0].startswith("22 of 23 succeeded")
    Occurrence.objects.filter(source=f"run:{testing.PAST + 23}").delete()
    assert lacks(earned) == ()
    row = testing.praised(earned, 1, at=timezone.now())
    row.source, row.person_id, row.actions_worked = "feedback:x", earned.cast["operator"].pk, False
    row.save()
    assert lacks(earned)[0].startswith("21 of 22 succeeded")


@pytest.mark.parametrize("mark", ["", "0" * 64], ids=["edited or by hand", "another origin"])
def test_what_this_origin_did_not_do_alone_does_not_count(earned: Earned, mark: str) -> None:
    Occurrence.objects.filter(kind="executed", environment=ENVIRONMENT).update(fingerprint=mark)
    assert lacks(earned)[0] == "0 different tickets, at least 20 asked for."


def test_a_changed_runbook_begins_with_no_record(earned: Earned) -> None:
    Runbook.objects.filter(slug="scale-deployment").update(digest="1" * 64)
    assert lacks(earned)[0] == "0 different tickets, at least 20 asked for."


def test_a_way_back_that_failed_closes_the_way(earned: Earned) -> None:
    testing.went_back(at=timezone.now(), worked=False, number=1000)
    assert "scale_deployment: Rollback unproven: 1 of 2 worked, and the last time" in lacks(earned)[0]
    with pytest.raises(Refused, match="Rollback unproven"):
        testing.asked(earned)


def test_a_way_back_that_was_never_taken_closes_the_way(earned: Earned) -> None:
    Taken.objects.all().delete()
    assert lacks(earned) == ("scale_deployment: Rollback unproven: it was never taken.",)


@pytest.mark.parametrize(
    ("action", "environment", "says"),
    [
        ("command", ENVIRONMENT, "is no operation of the catalogue"),
        ("clear_snapshots", ENVIRONMENT, "is critical"),
        ("scale_deployment+clear_snapshots", ENVIRONMENT, "is critical"),
        (ACTION, "", "not all of one environment"),
        (ACTION, "moon", "not all of one environment"),
    ],
)
def test_some_fixes_are_never_certified(earned: Earned, action: str, environment: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        asking.ask(
            Fix(earned.pattern, action, environment),
            days=30,
            person=earned.cast["policy admin"],
            door="api",
            at=timezone.now(),
        )


# --- what takes it away


def fails(earned: Earned) -> None:
    patterns.observe_run(
        pattern_id=earned.pattern.pk,
        ticket=Ref("tickets.ticket", 5, "INC-5"),
        run_id=5,
        succeeded=False,
        action=ACTION,
        environment=ENVIRONMENT,
        at=timezone.now(),
    )


def test_the_first_failure_revokes_what_is_in_force_and_tells_everybody(earned: Earned) -> None:
    certificate = testing.granted(earned)
    Notice.objects.all().delete()
    fails(earned)
    certificate.refresh_from_db()
    assert certificate.revoked_at is not None
    assert (certificate.revoked_by, certificate.revoke_reason) == ("patterns", "The run of INC-5 did not succeed.")
    assert told(certificate) == {"policy-admin", "second-policy-admin"}
    event = Event.objects.get(kind="certificate.revoked")
    assert audit.body_of(event)["reason"] == "The run of INC-5 did not succeed."


def test_a_failure_turns_down_what_is_only_asked_for(earned: Earned) -> None:
    certificate = testing.asked(earned)
    fails(earned)
    certificate.refresh_from_db()
    assert certificate.plan is not None
    assert (certificate.revoked_at is not None, certificate.plan.status) == (True, PlanStatus.VOID)
    with pytest.raises(StaleTransition):
        testing.sign(certificate, earned.cast["second policy admin"])


@pytest.mark.parametrize(
    "changes", [{"action": "restart_pod"}, {"environment": "staging"}, {"pattern_id": 10**6}], ids=str
)
def test_a_failure_of_something_else_changes_nothing(earned: Earned, changes: dict[str, Any]) -> None:
    certificate = testing.granted(earned)
    concerned = {"pattern_id": earned.pattern.pk, "action": ACTION, "environment": ENVIRONMENT, **changes}
    assert trust.distrust(**concerned, reason="Failed.", actor=EXECUTION, at=timezone.now()) == 0
    certificate.refresh_from_db()
    assert certificate.revoked_at is None


def test_cause_and_revocation_stand_or_fall_together(earned: Earned) -> None:
    certificate = testing.granted(earned)
    with transaction.atomic():
        fails(earned)
        transaction.set_rollback(True)
    certificate.refresh_from_db()
    assert certificate.revoked_at is None
    assert not Occurrence.objects.filter(source="run:5").exists()


@pytest.mark.parametrize(
    ("said", "survives"),
    [
        ({"feedback_type": "negative", "rating": 1}, False),
        ({"feedback_type": "positive", "rating": 5, "actions_worked": False}, False),
        ({"feedback_type": "neutral", "rating": 3, "resolution_accurate": False}, False),
        ({"feedback_type": "neutral", "rating": 3}, True),
        ({"feedback_type": "positive", "rating": 5}, True),
    ],
    ids=str,
)
def test_somebody_who_was_not_helped_ends_it_at_once(earned: Earned, said: dict[str, Any], *, survives: bool) -> None:
    certificate = testing.granted(earned)
    ticket = testing.drafted(earned.cast, "INC-1")
    Ticket.objects.filter(pk=ticket.pk).update(status="closed")
    answer = feedback.Answer(**said)
    feedback.give(person=earned.cast["engineer"], ticket_id=ticket.pk, answer=answer, door="page", at=timezone.now())
    certificate.refresh_from_db()
    assert (certificate.revoked_at is None) is survives
    if not survives:
        assert certificate.revoke_reason == "engineer says that the fix of INC-1 did not help."


@pytest.mark.parametrize("fault", ["lies", "fails"])
def test_a_run_that_goes_wrong_ends_it_in_the_transaction_that_says_so(
    earned: Earned, lab: Any, lab_connectors: Any, settings: Any, fault: Any
) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.AUTO_REMEDIATION_REQUIRE_APPROVAL = False
    settings.RUN_SETTLE_SECONDS = 0.5
    certificate = testing.granted(earned)
    lab.fault("scale_deployment", fault, times=None)
    testing.drafted(earned.cast, "INC-1")
    drain("probe", "general", "execution")
    certificate.refresh_from_db()
    assert "INC-1" in certificate.revoke_reason
    assert certificate.revoked_by == "execution"
    moved = Event.objects.get(kind="certificate.revoked")
    cause = Event.objects.filter(kind="step.moved", pk__lt=moved.pk).latest("pk")
    assert audit.body_of(cause)["after"] in {"failed", "rolling_back"}
    assert cause.at == moved.at
    assert Run.objects.get().plan.votes.get().certificate == certificate


def test_another_model_prompt_or_runbook_ends_it_within_minutes(earned: Earned) -> None:
    certificate = testing.granted(earned)
    assert voting.check(at=timezone.now()) == "0 of 1 certificates were revoked."
    last = Attempt.objects.latest("pk")
    Attempt.objects.create(
        remediation=last.remediation,
        drafter="runbook",
        prompt_version="countersign.runbook-drafter/2",
        outcome="drafted",
        started_at=NOW,
        ended_at=NOW,
    )
    assert voting.check(at=timezone.now()) == "1 of 1 certificates were revoked."
    certificate.refresh_from_db()
    assert "The prompt was countersign.runbook-drafter/1" in certificate.revoke_reason
    assert told(certificate) == {"policy-admin", "second-policy-admin"}


def test_people_are_reminded_once_before_it_runs_out(earned: Earned) -> None:
    certificate = testing.granted(earned, days=5)
    for days in (1, 3, 4):
        voting.check(at=timezone.now() + timedelta(days=days))
    texts = Notice.objects.filter(message__key=f"certificate:{certificate.pk}:expires")
    assert {each.person.username for each in texts} == {"policy-admin", "second-policy-admin"}
    assert texts.count() == 2


def test_any_policy_admin_takes_it_back_with_a_reason(earned: Earned) -> None:
    certificate = testing.granted(earned)
    person = earned.cast["policy admin"]
    with pytest.raises(Refused, match="Say why"):
        asking.take_back(certificate.pk, reason="  ", person=person, door="page", at=timezone.now())
    asking.take_back(certificate.pk, reason="Too early.", person=person, door="page", at=timezone.now())
    with pytest.raises(StaleTransition, match="revoked before"):
        asking.take_back(certificate.pk, reason="Again.", person=person, door="page", at=timezone.now())


def test_a_renewed_certificate_takes_the_place_of_the_old_one(earned: Earned) -> None:
    first, second = testing.granted(earned), testing.granted(earned)
    first.refresh_from_db()
    assert first.revoke_reason == "A newer certificate took its place."
    assert second.is_live(timezone.now())


def test_who_sees_it_fail_has_the_rights_to_end_it(committed_db: str, running_as: RunningAs) -> None:
    earned = testing.earn(testing.world())
    for role in ("web", "execution", "general"):
        certificate = testing.granted(earned)
        with running_as(role):
            ended = trust.distrust(
                pattern_id=earned.pattern.pk,
                action=ACTION,
                environment=ENVIRONMENT,
                reason="It failed.",
                actor=system("execution" if role == "execution" else "patterns"),
                at=timezone.now(),
            )
        certificate.refresh_from_db()
        assert (ended, certificate.revoke_reason) == (1, "It failed.")


def test_the_general_cluster_signs_for_the_machine_and_asks_for_the_run(
    committed_db: str, running_as: RunningAs, lab: Any, settings: Any
) -> None:
    from remediation.connectors import seed

    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.AUTO_REMEDIATION_REQUIRE_APPROVAL = False
    seed.load(timezone.now())
    earned = testing.earn(testing.world())
    testing.granted(earned)
    testing.drafted(earned.cast, "INC-1")
    with running_as("probe"):
        drain("probe")
    with running_as("general"):
        results = drain("general")
    assert "autonomy.vote: Signed the merge stage." in results, results
    assert "autonomy.vote: Signed the rollout stage." in results
    with running_as("execution"):
        drain("execution")
    assert Run.objects.get().status == "succeeded"


def test_a_machine_account_never_signs_by_the_door_of_people(earned: Earned) -> None:
    certificate = testing.asked(earned)
    with pytest.raises(NotAllowed, match="machine account cannot sign"):
        testing.sign(certificate, Person.objects.get(username="autonomy"))
