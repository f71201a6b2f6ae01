"""What signers were shown is kept as it was, and a vote names it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import caller
from portal.audit import bodies
from portal.jobs.testing import drain
from portal.kit import canonical
from portal.kit.testing.queries import statements
from portal.signoff.models import Plan, Vote
from portal.signoff.states import PlanStatus
from remediation.review import sheets
from remediation.review.models import Sheet
from remediation.review.testing import drafted, ticket, with_command
from remediation.tickets.models import Evidence, Ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")
REVIEW = "/tickets/INC-1/review"


@pytest.fixture
def incident(cast: dict[str, Person]) -> Ticket:
    incident = ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    drafted(incident, with_command())
    drain("probe")
    return incident


def as_(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(person: Person) -> str:
    return as_(person).get(REVIEW).content.decode()


def test_the_sheet_is_part_of_the_page_to_the_letter(cast: dict[str, Person], incident: Ticket) -> None:
    page = shown(cast["reviewer"])
    sheet = Sheet.objects.get()
    assert sheet.text in page
    assert f'name="sheet" value="{sheet.digest}"' in page
    assert sheet.digest == canonical.digest_of(sheet.text)


def test_two_signers_are_shown_the_same_sheet_and_the_moment_does_not_matter(
    cast: dict[str, Person], incident: Ticket
) -> None:
    shown(cast["reviewer"])
    Evidence.objects.update(added_at=timezone.now())
    shown(cast["approver"])
    shown(cast["reviewer"])
    assert Sheet.objects.count() == 1


def test_a_sheet_holds_nothing_that_belongs_to_one_reader(cast: dict[str, Person], incident: Ticket) -> None:
    shown(cast["reviewer"])
    text = Sheet.objects.get().text
    for word in ("csrf", "<form", '<button class="button primary"', "reviewer", " ago<", "data-ago"):
        assert word not in text, word


def test_a_confirmed_item_makes_another_sheet_that_says_who_confirmed_it(
    cast: dict[str, Person], incident: Ticket
) -> None:
    client = as_(cast["reviewer"])
    item = client.get(REVIEW).context["standing"].checklist[0].item.item
    client.post(f"{REVIEW}/tick", {"item": item, "confirmed": "yes"})
    client.get(REVIEW)
    before, after = Sheet.objects.order_by("created_at")
    assert "confirmed by" not in before.text
    assert "confirmed by reviewer" in after.text


def test_the_sheet_says_risk_and_limits_in_words(cast: dict[str, Person], incident: Ticket) -> None:
    shown(cast["reviewer"])
    text = Sheet.objects.get().text
    for term, value in (("Risk", "Critical write"), ("Days", "Every day"), ("Hours", "At any hour")):
        assert f"<dt>{term}</dt><dd>{value}</dd>" in text
    for raw in ("critical_write", "0, 1, 2", ">None<"):
        assert raw not in text, raw


def test_nothing_is_kept_for_those_who_may_not_sign(cast: dict[str, Person], incident: Ticket) -> None:
    for role in ("engineer", "operator", "auditor"):
        shown(cast[role])
    assert not Sheet.objects.exists()


def test_the_page_takes_the_same_number_of_queries_however_much_it_shows(
    cast: dict[str, Person], incident: Ticket
) -> None:
    client = as_(cast["reviewer"])
    client.get(REVIEW)
    with statements() as few:
        client.get(REVIEW)
    row = Evidence.objects.get()
    for number in range(2, 30):
        row.pk, row.number = None, number
        row.save(force_insert=True)
    with statements() as many:
        client.get(REVIEW)
    assert len(few) == len(many)


def test_the_database_takes_no_sheet_under_another_digest(cast: dict[str, Person], incident: Ticket) -> None:
    shown(cast["reviewer"])
    sheet = Sheet.objects.get()
    with pytest.raises(IntegrityError, match="review_sheet_digest_is_of_text"), transaction.atomic():
        Sheet.objects.create(digest="0" * 64, plan=sheet.plan, kind="page", text="forged", created_at=timezone.now())


def test_the_database_takes_no_vote_that_names_a_sheet_of_another_plan(
    cast: dict[str, Person], incident: Ticket
) -> None:
    shown(cast["reviewer"])
    sheet = Sheet.objects.get()
    plan = sheet.plan
    vote = Vote(
        plan=plan,
        digest=plan.digest,
        excluded=plan.excluded,
        person=cast["reviewer"],
        principal=cast["reviewer"],
        door="page",
        at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    vote.sheet = "0" * 64
    with pytest.raises(IntegrityError, match="a vote names a sheet of its plan"), transaction.atomic():
        vote.save(force_insert=True)
    vote.sheet = sheet.digest
    vote.save(force_insert=True)


@pytest.fixture
def harmless(cast: dict[str, Person]) -> Ticket:
    """A ticket whose plan takes no more than a signature."""
    harmless = ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    drafted(harmless)
    drain("probe")
    return harmless


def form_of(client: Client, address: str = REVIEW) -> dict[str, str]:
    """What the button of the page sends."""
    bar = client.get(address).context["decision"]
    return {"verdict": "sign", **{name: bar[name] for name in ("digest", "stage", "sheet")}}


def test_a_vote_names_the_sheet_that_its_signer_was_shown(cast: dict[str, Person], harmless: Ticket) -> None:
    client = as_(cast["reviewer"])
    form = form_of(client)
    assert client.post(f"{REVIEW}/decide", form).status_code == 302
    assert Vote.objects.get().sheet == form["sheet"]


@pytest.mark.parametrize("sheet", ["0" * 64, "nonsense"])
def test_a_sheet_that_nobody_was_shown_is_refused_and_the_page_shown_again(
    cast: dict[str, Person], harmless: Ticket, sheet: str
) -> None:
    client = as_(cast["reviewer"])
    form = form_of(client)
    answer = client.post(f"{REVIEW}/decide", {**form, "sheet": sheet})
    assert answer.status_code == 409
    assert "Read the plan again" in answer.content.decode()
    assert not Vote.objects.exists()
    assert client.post(f"{REVIEW}/decide", form).status_code == 302


@pytest.mark.parametrize("sheet", [{}, {"sheet": ""}], ids=["absent", "empty"])
def test_nobody_signs_on_the_page_without_a_sheet(
    cast: dict[str, Person], harmless: Ticket, sheet: dict[str, str]
) -> None:
    client = as_(cast["reviewer"])
    form = form_of(client)
    unseen = {name: form[name] for name in ("verdict", "digest", "stage")} | sheet
    answer = client.post(f"{REVIEW}/decide", {**unseen, "comment": "My words."})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Load the page again" in page
    assert 'value="My words."' in page
    assert not Vote.objects.exists()
    assert as_(cast["engineer"]).post(f"{REVIEW}/decide", unseen).status_code == 403
    assert client.post(f"{REVIEW}/decide", form).status_code == 302


def test_a_signature_by_api_that_names_no_sheet_gets_that_of_the_plan_as_it_stands(
    cast: dict[str, Person], harmless: Ticket
) -> None:
    token = caller(cast["reviewer"])
    plan = token.get("/api/v1/tickets/INC-1").json()["plan"]
    body = {"approve": True, "stage": plan["stage"], "digest": plan["digest"]}
    assert token.post("/api/v1/tickets/INC-1/approve-remediation", body, format="json").status_code == 200
    assert Vote.objects.get().sheet == plan["sheet"]


def test_a_sheet_of_another_plan_is_refused(cast: dict[str, Person], harmless: Ticket) -> None:
    other = ticket(cast["engineer"], "INC-2")
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    drafted(other)
    drain("probe")
    client = as_(cast["reviewer"])
    foreign = form_of(client, "/tickets/INC-2/review")["sheet"]
    assert client.post(f"{REVIEW}/decide", {**form_of(client), "sheet": foreign}).status_code == 409
    assert not Vote.objects.exists()


LATER = timedelta(days=31)


def test_a_sheet_that_nobody_signed_goes_when_its_plan_is_closed_and_a_signed_one_stays(
    cast: dict[str, Person], harmless: Ticket
) -> None:
    client = as_(cast["reviewer"])
    client.get(REVIEW)
    caller(cast["reviewer"]).get("/api/v1/tickets/INC-1")
    form = form_of(client)
    late = timezone.now() + LATER
    assert Sheet.objects.count() == 2
    assert sheets.forget_unsigned(at=late) == 0, "the plan is open: either can still be signed"
    assert client.post(f"{REVIEW}/decide", form).status_code == 302
    assert sheets.forget_unsigned(at=timezone.now() + timedelta(days=29)) == 0
    assert sheets.forget_unsigned(at=late) == 1
    assert Sheet.objects.get().digest == Vote.objects.get().sheet == form["sheet"]


def test_the_sheets_of_a_held_ticket_stay_until_the_hold_is_lifted(cast: dict[str, Person], harmless: Ticket) -> None:
    form_of(as_(cast["reviewer"]))
    Plan.objects.update(status=PlanStatus.VOID)
    actor, late = cast["auditor"].at("page"), timezone.now() + LATER
    held = bodies.hold("INC-1", reason="A lawsuit.", actor=actor, at=timezone.now())
    assert sheets.forget_unsigned(at=late) == 0
    with pytest.raises(IntegrityError, match="a sheet stays"), transaction.atomic():
        Sheet.objects.all().delete()
    bodies.lift(held.pk, reason="Settled.", actor=actor, at=timezone.now())
    assert sheets.forget_unsigned(at=late) == 1


def test_whoever_may_delete_sheets_deletes_none_that_was_signed_or_can_be(
    cast: dict[str, Person], harmless: Ticket
) -> None:
    client = as_(cast["reviewer"])
    form = form_of(client)
    with pytest.raises(IntegrityError, match="a sheet stays"), transaction.atomic():
        Sheet.objects.all().delete()
    client.post(f"{REVIEW}/decide", form)
    with pytest.raises(IntegrityError, match="a sheet stays"), transaction.atomic():
        Sheet.objects.filter(pk=form["sheet"]).delete()
