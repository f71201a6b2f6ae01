"""Ten ways in which approvals failed elsewhere, each tried here through real doors, against the real lab.

Where a failure was reported in public, its test says where.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.access.models import Person
from portal.access.testing import caller
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.notices.models import Notice
from portal.signoff import reminding
from portal.signoff import services as signoffs
from portal.signoff.models import Freeze, Plan, Vote
from portal.signoff.states import PlanStatus
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1, as_, in_review
from remediation.desk.testing import incident as body_of
from remediation.execution import advancing, claiming
from remediation.execution.models import Run
from remediation.execution.testing import PRIMARY, SYMPTOMS, draft, scaling
from remediation.review import testing as review
from remediation.tickets.models import Ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")
PAGE, API = "/tickets/INC-1/review", f"{V1}/tickets/INC-1"
OTHER = draft(scaling(PRIMARY, 3, 4), systems=(first_day.PRIMARY,))


@pytest.fixture
def incident(cast: dict[str, Person]) -> Ticket:
    """A ticket whose merge plan waits."""
    in_review(caller(cast["engineer"]))
    return Ticket.objects.get(key="INC-1")


@pytest.fixture
def workers(lab: LabProcess, settings: Settings) -> LabProcess:
    """Workers that may act on the lab; a verify may settle for less than a second."""
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.RUN_SETTLE_SECONDS = 0.7
    return lab


def open_plan(key: str = "INC-1") -> Plan:
    return Plan.objects.get(ticket_key=key, status=PlanStatus.OPEN)


def status_of(plan: Plan) -> str:
    plan.refresh_from_db()
    return str(plan.status)


def press(client: Client, verdict: str = "sign", key: str = "INC-1", **fields: str) -> Any:
    """What a browser sends that has just shown the page."""
    address = f"/tickets/{key}/review"
    bar = client.get(address).context["decision"]
    body = {"verdict": verdict, **{name: bar[name] for name in ("digest", "stage", "sheet") if name in bar}, **fields}
    return client.post(f"{address}/decide", body, follow=True)


def sign_both(cast: dict[str, Person], key: str = "INC-1") -> Plan:
    """Two people sign on the page; the signed rollout plan."""
    for role in ("reviewer", "approver"):
        answer = press(as_(cast[role]), key=key)
        assert answer.status_code == 200, answer.context["decision"]["refusal"]
    return Plan.objects.get(ticket_key=key, stage="rollout", status=PlanStatus.SIGNED)


def edit(person: Person, **changes: Any) -> None:
    """Somebody saves another text of the draft by the API."""
    client = caller(person)
    base = client.get(API).json()["revision"]["digest"]
    body = {"base_digest": base, "draft": review.scale(**changes)}
    assert client.post(f"{API}/revisions", body, format="json").status_code == 201
    drain("probe")


def hours(from_now: float) -> str:
    return (timezone.now() + timedelta(hours=from_now)).strftime("%Y-%m-%dT%H:%M")


def lend(giver: Person, to: Person) -> str:
    """A delegation given on its page; its id as a form sends it."""
    given = {"to": to.pk, "category": "", "starts_at": hours(0), "ends_at": hours(48), "reason": "Holiday"}
    assert as_(giver).post("/delegations/add", given).status_code == 302
    return str(giver.delegations_given.latest("id").pk)


# 1. Approval of one's own work through a second path: https://github.com/ansible/awx/issues/10610


def by_the_page(author: Person, other: Person) -> Any:
    return press(as_(author))


def by_the_api(author: Person, other: Person) -> Any:
    client, plan = caller(author), open_plan()
    return client.post(
        f"{API}/approve-remediation", {"approve": True, "stage": plan.stage, "digest": plan.digest}, format="json"
    )


def in_another_s_stead(author: Person, other: Person) -> Any:
    return press(as_(author), delegation=lend(other, author))


def through_a_delegate(author: Person, other: Person) -> Any:
    return press(as_(other), delegation=lend(author, other))


@pytest.mark.parametrize("path", [by_the_page, by_the_api, in_another_s_stead, through_a_delegate])
def test_whoever_wrote_a_part_signs_it_on_no_path(
    path: Callable[[Person, Person], Any], cast: dict[str, Person], incident: Ticket
) -> None:
    author, other = cast["approver"], cast["second approver"]
    edit(author, summary="My own words.")
    assert path(author, other).status_code == 403
    assert not Vote.objects.exists()
    assert press(as_(other)).status_code == 200, "somebody else could have signed all the time"


# 2. Denied, but ran: https://github.com/nautobot/nautobot/issues/8623


def test_what_was_rejected_is_not_run_though_its_job_is_on_its_way(
    cast: dict[str, Person], incident: Ticket, workers: LabProcess
) -> None:
    plan = sign_both(cast)
    assert Job.objects.filter(kind="execution.start", subject_id=plan.pk, state="waiting").exists()
    assert press(as_(cast["second approver"]), "reject", reason="unsafe", comment="Not today.").status_code == 200
    drain("execution")
    assert (workers.ledger(), Run.objects.count()) == ([], 0)
    by_hand = as_(cast["operator"]).post("/tickets/INC-1/run/start", {"digest": plan.digest})
    assert by_hand.status_code in {404, 409}
    assert Run.objects.count() == 0


# 3. Approved twice


def test_one_person_s_two_clicks_are_one_vote_and_a_plan_delivered_twice_is_one_run(
    cast: dict[str, Person], incident: Ticket, workers: LabProcess
) -> None:
    two = {"stage": "merge", "category": "", "risk": "", "severity": "", "needed": 2, "group": ""}
    assert as_(cast["policy admin"]).post("/quorum/add", two).status_code == 302
    drain("probe")
    assert press(as_(cast["reviewer"])).status_code == 200
    for again in (by_the_page, by_the_api):
        assert again(cast["reviewer"], cast["approver"]).status_code == 409
    assert Vote.objects.count() == 1
    assert open_plan().stage == "merge", "one of two is not enough, however often it is given"
    assert press(as_(cast["operator"])).status_code == 403
    assert press(as_(cast["second approver"])).status_code == 200
    assert press(as_(cast["approver"])).status_code == 200
    signed = Plan.objects.get(stage="rollout", status=PlanStatus.SIGNED)
    jobs.enqueue("execution.start", subject_id=signed.pk, at=timezone.now())
    drain("execution")
    assert len(workers.ledger()) == 1


# 4. Variables of another run shown: https://github.com/ansible/awx/issues/12930


def test_each_of_two_waiting_plans_shows_its_own_values_and_those_are_run(
    cast: dict[str, Person], incident: Ticket, workers: LabProcess
) -> None:
    second = body_of("INC-2", description=SYMPTOMS)
    assert caller(cast["engineer"]).post(f"{V1}/tickets", second, format="json").status_code == 201
    review.drafted(Ticket.objects.get(key="INC-2"), OTHER)
    drain("probe")
    own = {
        "INC-1": ("deployment=payments-secondary", "replicas=6"),
        "INC-2": ("deployment=payments-primary", "replicas=4"),
    }
    reader = as_(cast["reviewer"])
    for key, other in (("INC-1", "INC-2"), ("INC-2", "INC-1")):
        sheet = reader.get(f"/tickets/{key}/review").context["sheet"]
        assert all(value in sheet for value in own[key])
        assert not any(value in sheet for value in own[other])
        foreign = press(reader, key=key, digest=open_plan(other).digest)
        assert foreign.status_code == 409
    assert not Vote.objects.exists()
    for key in own:
        sign_both(cast, key)
    drain("execution")
    done = sorted((each["target"], each["arguments"]["replicas"]) for each in workers.ledger())
    assert done == [(first_day.PRIMARY, 4), (first_day.SECONDARY, 6)]
    logs = caller(cast["auditor"]).get(f"{V1}/tickets/INC-2/remediation-logs").content.decode()
    assert "payments-primary" in logs
    assert "payments-secondary" not in logs


# 5. Stuck after approval: https://github.com/superplanehq/superplane/issues/7496


def test_after_the_last_signature_it_goes_on_and_a_worker_that_dies_leaves_it_to_people(
    cast: dict[str, Person], incident: Ticket, workers: LabProcess
) -> None:
    assert press(as_(cast["reviewer"])).status_code == 200
    rollout = open_plan()
    assert rollout.stage == "rollout", "the next thing to sign is there with the answer"
    assert press(as_(cast["approver"])).status_code == 200
    claiming.start(rollout.pk, tries=0, at=timezone.now())
    Job.objects.filter(kind="execution.advance").delete()
    assert advancing.give_up_on_lost(at=timezone.now()) == 1
    assert Notice.objects.filter(person=cast["operator"], message__ticket_key="INC-1").exists()
    assert as_(cast["operator"]).post("/tickets/INC-1/run/resume").status_code == 302
    drain("execution")
    assert Run.objects.get().status == "succeeded"
    assert len(workers.ledger()) == 1


# 6. Votes lost with the user


def test_a_vote_outlives_its_person(cast: dict[str, Person], incident: Ticket, workers: LabProcess) -> None:
    plan, leaver = sign_both(cast), cast["approver"]
    root = as_(Person.objects.create_superuser("root"))
    address = f"/admin/access/person/{leaver.pk}/change/"
    form = root.get(address).context["adminform"].form
    typed = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    assert root.post(address, {**typed, "groups": [], "is_active": ""}).status_code == 302
    leaver.refresh_from_db()
    assert (leaver.is_active, leaver.groups.count()) == (False, 0)
    assert root.post(f"/admin/access/person/{leaver.pk}/delete/", {"post": "yes"}).status_code == 403
    drain("execution")
    assert status_of(plan) == PlanStatus.CLAIMED
    assert Run.objects.get().status == "succeeded"
    assert "approver" in as_(cast["auditor"]).get(PAGE).content.decode()


# 7. An edit keeps the approval


def test_an_edit_ends_every_signature_before_anything_runs(
    cast: dict[str, Person], incident: Ticket, workers: LabProcess
) -> None:
    plan = sign_both(cast)
    eight = review.scale(summary="Eight pods.")
    eight["steps"][0]["action"]["parameters"][-1]["value"] = 8
    edit(cast["second approver"], steps=eight["steps"])
    assert status_of(plan) == PlanStatus.VOID
    drain("execution")
    assert (workers.ledger(), Run.objects.count()) == ([], 0)
    assert open_plan().stage == "merge", "it begins with the first signature again"
    assert signoffs.missing(open_plan()) == ["1 merge sign-off"]


# 8. Approved during a freeze


def test_nothing_is_signed_during_a_freeze_and_nothing_signed_before_runs_in_it(
    cast: dict[str, Person], incident: Ticket, workers: LabProcess
) -> None:
    assert press(as_(cast["reviewer"])).status_code == 200
    admin = as_(cast["policy admin"])
    frozen = {"category": "", "starts_at": hours(-1), "ends_at": hours(4), "reason": "Black Friday"}
    assert admin.post("/freezes/add", frozen).status_code == 302
    for door in (by_the_page, by_the_api):
        refused = door(cast["approver"], cast["second approver"])
        assert refused.status_code == 422
        assert "Black Friday" in refused.content.decode()
    assert open_plan().votes.count() == 0
    assert admin.post(f"/freezes/{Freeze.objects.get().pk}/end").status_code == 302
    assert press(as_(cast["approver"])).status_code == 200
    assert admin.post("/freezes/add", frozen).status_code == 302
    assert "Black Friday" in drain("execution")[0]
    assert (workers.ledger(), Run.objects.count()) == ([], 0)


# 9. Approval without expiry


@pytest.mark.parametrize("first", ["clock", "worker"])
def test_a_signature_that_waited_too_long_counts_for_nothing(
    first: str, cast: dict[str, Person], incident: Ticket, workers: LabProcess
) -> None:
    plan = sign_both(cast)
    late = plan.valid_until
    if first == "clock":
        assert signoffs.sweep(at=late) == 1
        drain("probe", at=late)
    else:
        claiming.start(plan.pk, tries=0, at=late)
    assert status_of(plan) == PlanStatus.VOID
    drain("execution")
    assert (workers.ledger(), Run.objects.count()) == ([], 0)
    incident.refresh_from_db()
    assert incident.status == "awaiting_review"


# 10. A link that no longer matches


def test_an_old_link_opens_the_plan_as_it_stands_now_and_signs_nothing(
    cast: dict[str, Person], incident: Ticket
) -> None:
    old = open_plan()
    reminding.remind(at=timezone.now())
    notice = Notice.objects.select_related("message").get(person=cast["reviewer"], message__kind="reminder")
    edit(cast["second approver"], summary="Another text.")
    reader, new = as_(cast["reviewer"]), open_plan()
    for address in (notice.message.path, f"{notice.message.path}?approve=true&verdict=sign&digest={old.digest}"):
        page = reader.get(address)
        assert page.status_code == 200
        assert page.context["decision"]["digest"] == new.digest
    assert not Vote.objects.exists()
    answer = press(reader, digest=old.digest)
    assert answer.status_code == 409
    assert "Another text." in answer.content.decode()
    assert not Vote.objects.exists()
