"""Whatever an incident went through, its bundle holds together: nothing that may happen looks like tampering."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.access.models import Person
from portal.dashboard.bundle import making
from portal.dashboard.bundle.verify_bundle import files_of
from portal.dashboard.tests.bundles import checked, forged, sign_by_api, sign_on_page, with_seal_key
from portal.jobs.testing import drain
from portal.signoff import services as signoffs
from portal.signoff.models import Vote
from portal.signoff.services import Ballot
from remediation.autonomy import testing as autonomy
from remediation.connectors import seed
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving, stepping
from remediation.execution import services as runs
from remediation.execution.models import Run
from remediation.execution.testing import PRIMARY, SECONDARY, command, draft, scaling, signed
from remediation.execution.tests.staging import CANARY, MACHINES, TARGETS, snapshots, staged
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.tickets.models import Evidence, Ticket

ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))
TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))


@pytest.fixture
def lab_at_work(committed_db: str, lab: LabProcess, settings: Settings, tmp_path: Path) -> LabProcess:
    with_seal_key(settings, tmp_path)
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.AUTO_REMEDIATION_REQUIRE_APPROVAL = False
    settings.RUN_SETTLE_SECONDS = 0.7
    return lab


def in_review(lab: LabProcess) -> tuple[dict[str, Person], Ticket]:
    """A ticket whose merge plan is open."""
    review.world()
    cast = review.people()
    seed.load(timezone.now())
    ticket = review.ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    review.drafted(ticket)
    drain("probe")
    return cast, ticket


def nothing_yet(_: LabProcess) -> Ticket:
    """A ticket that nobody has drafted."""
    review.world()
    return review.ticket(review.people()["engineer"])


def edited_after_a_signature(lab: LabProcess) -> Ticket:
    """The first signature is void; who edited is a maker now."""
    cast, ticket = in_review(lab)
    sign_on_page(cast["reviewer"], ticket)
    remediation = review.remediation_of(ticket)
    base = remediation.revisions.get().digest
    now = timezone.now()
    changed = review.scale(summary="Scale it, and say so.")
    reviews.revise(remediation.pk, draft=changed, base_digest=base, person=cast["second approver"], door="page", at=now)
    drain("probe")
    sign_on_page(cast["reviewer"], ticket)
    sign_by_api(cast["approver"], ticket)
    drain("execution")
    return ticket


def withdrawn(lab: LabProcess) -> Ticket:
    cast, ticket = in_review(lab)
    sign_on_page(cast["reviewer"], ticket)
    remediation = review.remediation_of(ticket)
    reviews.withdraw(remediation.pk, reason="Too early.", person=cast["reviewer"], door="page", at=timezone.now())
    drain("probe")
    return ticket


def signed_in_the_stead_of_another(lab: LabProcess) -> Ticket:
    cast, ticket = in_review(lab)
    sign_on_page(cast["reviewer"], ticket)
    now = timezone.now()
    delegation = signoffs.delegate(
        person=cast["approver"], to=cast["operator"], category=None, starts_at=now, ends_at=now + timedelta(days=1),
        reason="On leave.", door="page", at=now,
    )  # fmt: skip
    plan = reviews.standing(review.remediation_of(ticket), at=now).plan
    assert plan
    later = now + timedelta(seconds=1)
    ballot = Ballot(delegation_id=delegation.pk, sheet=review.shown(plan, at=later))
    reviews.sign(
        plan.pk, digest=plan.digest, stage="rollout", person=cast["operator"], ballot=ballot, door="page", at=later
    )
    return ticket


def rolled_back(lab: LabProcess) -> Ticket:
    """A write reported success and did nothing."""
    made = signed(TWO_STEPS)
    lab.fault("scale_deployment", "lies")
    drain("execution")
    assert made.run.status == "rolled_back"
    return made.ticket


def interrupted(lab: LabProcess) -> Ticket:
    """The worker died between the write and its outcome."""
    made = signed(ONE_STEP)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    planned = shift.planned(1)
    key = stepping.intend(shift, 1, stepping.preflight(shift, 1))
    shift.write(planned.connector, planned.call, key=key)
    drain("execution")
    assert made.run.status == "succeeded"
    return made.ticket


def with_a_step_left_out(lab: LabProcess) -> Ticket:
    """Paused after its first step; the second is left out, as somebody else signed."""
    made = signed(TWO_STEPS)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    stepping.take_step(shift, 1)
    runs.pause(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    run, at, approver = made.run.pk, timezone.now(), made.cast["approver"]
    asked = runs.ask_to_skip(run, number=2, reason="Relieved by now.", person=made.operator, door="page", at=at)
    runs.sign_skip(run, digest=asked.digest, person=approver, ballot=Ballot(), door="api", at=timezone.now())
    runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == "succeeded"
    return made.ticket


def in_waves(lab: LabProcess) -> Ticket:
    """Watched once between its waves; a machine that somebody uses is left alone."""
    whole = snapshots(*MACHINES)
    for step in whole["steps"]:
        step["only_if"] = "no_active_sessions"
    lab.change(TARGETS[2], "sessions", 1)
    made = staged({**CANARY, "watch_minutes": 0}, whole=whole)
    drain("execution")
    assert (made.run.status, made.steps()[2]) == ("succeeded", "skipped")
    return made.ticket


def by_hand(lab: LabProcess) -> Ticket:
    """Commands that a person ran, the last one in vain."""
    first, second = command("Cap", "journalctl --vacuum-size=1G"), command("Turn", "logrotate -f /etc/logrotate.conf")
    made = signed(draft(first, second, systems=("log-ship-1",)), category_slug="storage")
    at = timezone.now()
    run = runs.start_by_hand(made.remediation.pk, digest=made.plan.digest, person=made.operator, door="page", at=at)
    seen = [(1, "preflight"), (1, "action"), (1, "verify"), (2, "preflight"), (2, "action")]
    reports = [runs.Report(number, phase, "yes", "as it should be") for number, phase in seen]
    for told in [*reports, runs.Report(2, "verify", "no", "no change")]:
        runs.report(run.pk, fence=run.fence, told=told, person=made.operator, door="page", at=at)
    for number in (2, 1):
        told = runs.Report(number, "rollback", "yes", "done", "as before")
        runs.report(run.pk, fence=run.fence, told=told, person=made.operator, door="page", at=at)
    assert made.run.status == "rolled_back"
    return made.ticket


def by_machine(lab: LabProcess) -> Ticket:
    """Under a certificate that two policy admins granted; it was revoked afterwards."""
    seed.load(timezone.now())
    earned = autonomy.earn(autonomy.world())
    certificate = autonomy.granted(earned)
    ticket = autonomy.drafted(earned.cast, "INC-1")
    drain()
    assert {vote.certificate_id for vote in Vote.objects.filter(plan__ticket_key="INC-1")} == {certificate.pk}
    signoffs.revoke(certificate.pk, reason="A drill.", actor=earned.cast["policy admin"].at("page"), at=timezone.now())
    return ticket


def rejected(lab: LabProcess) -> Ticket:
    cast, ticket = in_review(lab)
    remediation = review.remediation_of(ticket)
    reviews.reject(
        remediation.pk, reason="unsafe", comment="No.", person=cast["approver"], door="page", at=timezone.now()
    )
    return ticket


@pytest.mark.parametrize(
    "history",
    [
        nothing_yet,
        edited_after_a_signature,
        withdrawn,
        signed_in_the_stead_of_another,
        rolled_back,
        interrupted,
        with_a_step_left_out,
        in_waves,
        by_hand,
        by_machine,
        rejected,
    ],
)
def test_its_bundle_fits(lab_at_work: LabProcess, history: Callable[[LabProcess], Ticket]) -> None:
    ticket = history(lab_at_work)
    data = making.made(ticket.pk, at=timezone.now(), largest=10**8)
    fits, said = checked(data)
    assert fits, said
    assert files_of(data)["votes.json"].count(b'"digest"') == Vote.objects.count()


def readings_gone(runs: Any) -> None:
    runs[0]["readings"].clear()


def reading_bad(runs: Any) -> None:
    runs[0]["readings"][0]["holds"] = False


def nobody_there(runs: Any) -> None:
    runs[0]["outputs"] = [output for output in runs[0]["outputs"] if output["phase"] != "guard"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (readings_gone, "began although not every signal was seen to hold"),
        (reading_bad, "began although not every signal was seen to hold"),
        (nobody_there, "Step 3 of run {run} was left out, and nobody signed that."),
    ],
)
def test_a_wave_that_nobody_watched_and_a_target_that_nobody_used_are_named(
    lab_at_work: LabProcess, change: Callable[[Any], None], says: str
) -> None:
    data = making.made(in_waves(lab_at_work).pk, at=timezone.now(), largest=10**8)
    fits, said = checked(forged(data, "runs.json", change))
    assert not fits
    assert says.format(run=Run.objects.get().pk) in said
