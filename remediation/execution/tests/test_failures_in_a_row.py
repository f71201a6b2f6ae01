"""The brake on failures in a row, per target and per pattern; who is told of partial results; who holds a target."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from patterns.models import Pattern
from portal.access import tokens
from portal.audit import services as audit
from portal.audit.models import Event
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.notices.models import Notice
from portal.signoff import brakes as stops
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving, stepping
from remediation.execution import services as runs
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, draft, scaling, signed
from remediation.policy import braking
from remediation.policy.models import FailureBrake, Reservation
from remediation.tickets.models import Ticket
from remediation.wayback.models import Taken

pytestmark = pytest.mark.django_db

ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))
ELSEWHERE = draft(scaling(PRIMARY, 3, 4), systems=(first_day.PRIMARY,))


def failed(lab: LabProcess, settings: Settings, *, limit: int, **more: object) -> Signed:
    """A run that was rolled back because its verify did not hold; the limit is counted down by it."""
    settings.AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW = limit
    made = of_pattern(signed(ONE_STEP, **more))  # type: ignore[arg-type]  # as `signed` says
    lab.fault("scale_deployment", "lies")
    patience, settings.RUN_SETTLE_SECONDS = settings.RUN_SETTLE_SECONDS, 0.0
    drain("execution")
    settings.RUN_SETTLE_SECONDS = patience
    assert made.run.status == "rolled_back"
    return made


def of_pattern(made: Signed) -> Signed:
    """The same, its ticket known as one of a kind."""
    at, category = timezone.now(), made.remediation.category
    fields = {"category": category, "title": "Payments too small", "key_terms": [], "created_at": at}
    pattern, _ = Pattern.objects.get_or_create(signature="0" * 64, defaults=fields)
    Ticket.objects.filter(pk=made.ticket.pk).update(pattern=pattern)
    return made


def release(brake: FailureBrake, made: Signed, *, who: str = "operator", reason: str = "the node was replaced") -> None:
    braking.release(brake.pk, reason=reason, person=made.cast[who], door="page", at=timezone.now())


def test_after_so_many_failures_workers_start_no_other_and_say_why(workers: LabProcess, settings: Settings) -> None:
    first = failed(workers, settings, limit=2)
    assert not FailureBrake.objects.filter(engaged_at__isnull=False).exists()
    second = failed(workers, settings, limit=2, key="INC-2", cast=first.cast)
    brake = FailureBrake.objects.get(kind="target", subject=first_day.SECONDARY)
    assert (brake.failures, brake.last_ticket_key, brake.engaged_at is not None) == (2, "INC-2", True)
    third = signed(ONE_STEP, key="INC-3", cast=first.cast)
    (told,) = drain("execution")
    assert "Waits for" in told
    assert "2 runs in a row failed for the target" in told
    assert third.remediation.status == "approved_for_rollout"
    decision = third.remediation.decisions.latest("id")
    assert any("2 runs in a row failed" in line["answer"] and line["outcome"] == "warn" for line in decision.reasoning)
    assert not decision.allowed
    told_of = set(Notice.objects.filter(message__kind="brake").values_list("person__username", flat=True))
    assert {"operator", "policy-admin"} <= told_of
    assert Event.objects.filter(kind="brake.engaged", ticket_key=second.ticket.key).exists()


def test_it_is_on_every_page_of_the_ticket_and_on_its_own(workers: LabProcess, settings: Settings) -> None:
    first = failed(workers, settings, limit=1)
    second = signed(ONE_STEP, key="INC-2", cast=first.cast, is_open=True)
    page = Client()
    page.force_login(first.operator)
    addresses = [
        f"/tickets/{second.ticket.key}",
        f"/tickets/{second.ticket.key}/review",
        "/tickets/INC-1/run",
        "/brakes",
    ]
    for address in addresses:
        assert "1" in page.get(address).content.decode(), address
        assert first_day.SECONDARY in page.get(address).content.decode(), address
    assert "Release the brake" in page.get(addresses[0]).content.decode()


def test_one_target_does_not_hold_another(workers: LabProcess, settings: Settings) -> None:
    settings.AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW = 1
    first = signed(ELSEWHERE)
    drain("execution")
    assert first.run.status == "rolled_back", "a pod of it is overloaded"
    assert FailureBrake.objects.get().subject == first_day.PRIMARY
    other = signed(ONE_STEP, key="INC-2", cast=first.cast)
    drain("execution")
    assert other.run.status == "succeeded"


def test_a_target_that_a_failed_run_never_came_to_is_not_held(workers: LabProcess, settings: Settings) -> None:
    settings.AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW = 1
    both = draft(scaling(SECONDARY, 2, 6), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))
    made = signed(both)
    workers.fault("scale_deployment", "lies")
    settings.RUN_SETTLE_SECONDS = 0.0
    drain("execution")
    assert made.run.status == "rolled_back"
    assert [brake.subject for brake in FailureBrake.objects.filter(kind="target")] == [first_day.SECONDARY]


def test_the_pattern_is_held_on_whatever_target_it_comes(workers: LabProcess, settings: Settings) -> None:
    first = failed(workers, settings, limit=1)
    of_pattern(signed(ELSEWHERE, key="INC-2", cast=first.cast))
    assert "failed for the pattern Payments too small" in drain("execution")[0]


def test_people_run_by_hand_and_their_success_releases_the_brake(workers: LabProcess, settings: Settings) -> None:
    first = failed(workers, settings, limit=1)
    second = of_pattern(signed(ONE_STEP, key="INC-2", cast=first.cast))
    drain("execution")
    runs.start_by_hand(
        second.remediation.pk, digest=second.plan.digest, person=second.operator, door="page", at=timezone.now()
    )
    for phase in ("preflight", "action", "verify"):
        told = runs.Report(1, phase, "yes", "seen")
        fence = second.run.fence
        runs.report(second.run.pk, fence=fence, told=told, person=second.operator, door="page", at=timezone.now())
    assert second.run.status == "succeeded"
    assert not FailureBrake.objects.filter(engaged_at__isnull=False).exists()
    reasons = {audit.body_of(each)["reason"] for each in Event.objects.filter(kind="brake.released")}
    assert reasons == {"The run of INC-2 succeeded."}


def test_a_person_releases_it_with_a_reason_and_workers_go_on(workers: LabProcess, settings: Settings) -> None:
    first = failed(workers, settings, limit=1)
    second = signed(ONE_STEP, key="INC-2", cast=first.cast)
    drain("execution")
    for brake in braking.live(first.operator):
        with pytest.raises(NotAllowed):
            release(brake, first, who="engineer")
        with pytest.raises(Refused, match="Say why"):
            release(brake, first, reason=" ")
        release(brake, first)
        with pytest.raises(StaleTransition):
            release(brake, first)
    assert {audit.body_of(each)["reason"] for each in Event.objects.filter(kind="brake.released")} == {
        "the node was replaced"
    }
    drain("execution", at=timezone.now() + timedelta(minutes=1))
    assert second.run.status == "succeeded"


def test_page_and_api_release_through_the_same_verb(workers: LabProcess, settings: Settings) -> None:
    first = failed(workers, settings, limit=1)
    by_target, by_pattern = sorted(braking.live(first.operator), key=lambda brake: brake.kind, reverse=True)
    page = Client()
    page.force_login(first.operator)
    assert page.post(f"/brakes/{by_target.pk}/release", {"reason": ""}).status_code == 422
    assert page.post(f"/brakes/{by_target.pk}/release", {"reason": "replaced"}).status_code == 302
    api = APIClient()
    scopes, actor = ("stats:read", "runs:write"), first.operator.at("page")
    _, text = tokens.issue(person=first.operator, name="brakes", scopes=scopes, actor=actor, at=timezone.now())
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert [each["id"] for each in api.get("/api/v1/brakes").json()] == [by_pattern.pk]
    answer = api.post(f"/api/v1/brakes/{by_pattern.pk}/release", {"reason": "replaced"}, format="json")
    assert (answer.status_code, answer.json()["engaged_at"]) == (200, None)
    assert api.post("/api/v1/brakes/999999/release", {"reason": "x"}, format="json").status_code == 404


def test_a_policy_may_be_stricter_than_the_site(workers: LabProcess, settings: Settings) -> None:
    failed(workers, settings, limit=3, policy={"max_failures_in_a_row": 1})
    assert FailureBrake.objects.filter(engaged_at__isnull=False).count() == 2


def test_a_way_back_in_earnest_is_on_record_by_hand_and_by_workers(workers: LabProcess, settings: Settings) -> None:
    made = failed(workers, settings, limit=9)
    taken = Taken.objects.get()
    assert (taken.source, taken.has_worked, taken.is_rehearsal) == (f"run:{made.run.pk}:1", True, False)
    page = Client()
    page.force_login(made.operator)
    assert "1 of 1" in page.get("/operations").content.decode()
    assert made.ticket.key in page.get("/operations/scale_deployment").content.decode()
    second = signed(ONE_STEP, key="INC-2", cast=made.cast, enable_auto_remediation=False)
    person, now = second.operator, timezone.now()
    runs.start_by_hand(second.remediation.pk, digest=second.plan.digest, person=person, door="page", at=now)
    for phase, said in (("preflight", "yes"), ("action", "yes"), ("verify", "no"), ("rollback", "no")):
        told = runs.Report(1, phase, said, "seen", "seen")  # type: ignore[arg-type]  # one of the literals
        runs.report(second.run.pk, fence=second.run.fence, told=told, person=person, door="page", at=now)
    by_hand = Taken.objects.latest("id")
    assert (by_hand.has_worked, by_hand.by) == (False, person.username)
    assert "1 of 2 worked, and the last time" in page.get("/operations").content.decode()


@pytest.mark.parametrize("ends", ["rolled_back", "needs_person"])
def test_policy_admins_are_told_of_every_partial_result(workers: LabProcess, ends: str) -> None:
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "lies", times=1)
    if ends == "needs_person":
        claiming.start(made.plan.pk, tries=0, at=timezone.now())
        shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
        assert shift
        stepping.take_step(shift, 1)
        stops.engage(scope="all", reason="smoke", person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == ends
    told = Notice.objects.filter(message__kind="partial", message__ticket_key=made.ticket.key)
    assert {"policy-admin", "operator"} <= {each.person.username for each in told}


def test_a_paused_run_keeps_its_target_and_the_blocked_one_links_to_it(workers: LabProcess) -> None:
    first = signed(ONE_STEP)
    second = signed(ONE_STEP, key="INC-2", cast=first.cast)
    claiming.start(first.plan.pk, tries=0, at=timezone.now())
    stop = stops.engage(scope="all", reason="smoke", person=first.operator, door="page", at=timezone.now())
    drain("execution")
    assert first.run.status == "paused"
    stops.release(stop.pk, person=first.cast["approver"], door="page", at=timezone.now())
    claiming.start(second.plan.pk, tries=0, at=timezone.now())
    assert second.remediation.status == "approved_for_rollout"
    assert Reservation.objects.count() == 1, "what could not start counts against no limit"
    page = Client()
    page.force_login(second.operator)
    shown = page.get(f"/tickets/{second.ticket.key}/run").content.decode()
    assert f"{first_day.SECONDARY} is held by the run of INC-1." in shown
    assert 'href="/tickets/INC-1/run"' in shown
