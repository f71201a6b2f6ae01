"""The review page through the browser's door: what people see, press, and are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pydantic import ValidationError

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.actors import system
from portal.kit.testing.queries import statements
from portal.notices.models import Notice
from portal.signoff.models import Vote
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.states import Status
from remediation.drafting.testing import endings
from remediation.review import draft_text
from remediation.review.models import GateResult
from remediation.review.testing import drafted, remediation_of, scale, ticket, with_command
from remediation.tickets.models import Evidence, Ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")


@pytest.fixture
def incident(cast: dict[str, Person]) -> Ticket:
    """A ticket under review whose evidence is fresh by the real clock."""
    incident = ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    drafted(incident)
    drain("probe")
    return incident


def as_(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(client: Client, key: str = "INC-1") -> str:
    answer = client.get(f"/tickets/{key}/review")
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, verdict: str, **fields: str) -> tuple[int, str]:
    plan = client.get("/tickets/INC-1/review").context["decision"]
    body = {"verdict": verdict, **{name: plan.get(name, "") for name in ("digest", "stage", "sheet")}, **fields}
    answer = client.post("/tickets/INC-1/review/decide", body, follow=True)
    return answer.status_code, answer.content.decode()


def test_the_page_says_who_drafted_what_with_which_evidence_and_why_people_decide(
    cast: dict[str, Person], incident: Ticket
) -> None:
    page = shown(as_(cast["reviewer"]))
    for words in (
        "drafted by Runbook drafter",
        "The secondary pool is too small for the load.",
        'href="#evidence-E1"',
        "scale_deployment cluster=lab-k8s deployment=payments-secondary namespace=payments replicas=6",
        "replicas is 2",
        "Is the reliability high enough?",
        "no data",
        "Sign merge",
        "Ready to sign",
    ):
        assert words in page, words


def test_two_people_sign_and_the_button_says_what_follows(cast: dict[str, Person], incident: Ticket) -> None:
    assert press(as_(cast["reviewer"]), "sign")[0] == 200
    page = shown(as_(cast["approver"]))
    assert "Sign rollout: runs scale_deployment on payments-secondary" in page
    status, page = press(as_(cast["approver"]), "sign")
    assert status == 200
    assert "The rollout plan is signed." in page
    assert remediation_of(incident).status == Status.APPROVED_FOR_ROLLOUT


def test_a_second_press_changes_nothing_and_shows_the_page_as_it_stands(
    cast: dict[str, Person], incident: Ticket
) -> None:
    client = as_(cast["approver"])
    old = client.get("/tickets/INC-1/review").context["decision"]
    body = {"verdict": "sign", **{name: old[name] for name in ("digest", "stage", "sheet")}}
    client.post("/tickets/INC-1/review/decide", body)
    answer = client.post("/tickets/INC-1/review/decide", {**body, "comment": "my words"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "It has all the votes it needs" in page
    assert "my words" in page
    assert Vote.objects.count() == 1


def test_a_maker_sees_why_they_cannot_sign_and_is_refused(cast: dict[str, Person], incident: Ticket) -> None:
    cast["engineer"].groups.add(*cast["approver"].groups.all())
    client = as_(cast["engineer"])
    assert "somebody else signs it" in shown(client)
    assert press(client, "sign")[0] == 403


def test_a_refusal_keeps_the_comment_and_says_what_to_do(cast: dict[str, Person], incident: Ticket) -> None:
    status, page = press(as_(cast["reviewer"]), "reject", comment="  ")
    assert status == 422
    assert "Say in a comment what is wrong." in page
    status, page = press(as_(cast["reviewer"]), "dance", comment="Keep me")
    assert status == 422
    assert "Keep me" in page


def test_review_items_are_confirmed_and_taken_back(cast: dict[str, Person]) -> None:
    incident = ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now())
    drafted(incident, with_command())
    drain("probe")
    client = as_(cast["reviewer"])
    assert "1 of 1 REVIEW items are not confirmed." in shown(client)
    (entry,) = client.get("/tickets/INC-1/review").context["standing"].checklist
    client.post("/tickets/INC-1/review/tick", {"item": entry.item.item, "confirmed": "yes"})
    assert "confirmed by reviewer" in shown(client)
    client.post("/tickets/INC-1/review/tick", {"item": entry.item.item, "confirmed": "no"})
    assert "1 of 1 REVIEW items are not confirmed." in shown(client)


def test_an_edit_makes_a_revision_and_the_page_shows_the_difference(cast: dict[str, Person], incident: Ticket) -> None:
    client = as_(cast["reviewer"])
    context = client.get("/tickets/INC-1/review/edit").context
    text = context["typed"].replace("summary: Scale the secondary pool", "summary: Carefully scale the secondary pool")
    answer = client.post("/tickets/INC-1/review/edit", {"draft": text, "base_digest": context["base"]})
    assert answer.status_code == 302
    drain("probe")
    page = shown(client)
    assert "revision 2 by reviewer" in page
    assert '<mark><span class="l l-Scalar l-Scalar-Plain">Carefully' in page or "Carefully" in page
    assert "Drafter against newest revision" in page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("summary: [", "line 1"),
        ("- one", "mapping that begins with summary"),
        ("a: &x 1\nb: *x", "anchors and aliases"),
        ("summary: only this", "draft.hypothesis"),
        ("x" * 200_001, "at most 200,000 characters"),
    ],
)
def test_what_was_typed_is_never_lost(cast: dict[str, Person], incident: Ticket, text: str, says: str) -> None:
    client = as_(cast["reviewer"])
    base = client.get("/tickets/INC-1/review/edit").context["base"]
    answer = client.post("/tickets/INC-1/review/edit", {"draft": text, "base_digest": base})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert answer.context["typed"] == text


def test_the_page_tells_when_it_is_out_of_date(cast: dict[str, Person], incident: Ticket) -> None:
    client = as_(cast["reviewer"])
    seen = client.get("/tickets/INC-1/review").context["seen"]
    assert client.get("/tickets/INC-1/review/live", {"seen": seen}).status_code == 204
    press(as_(cast["approver"]), "sign")
    answer = client.get("/tickets/INC-1/review/live", {"seen": seen})
    assert "has changed since you opened the page" in answer.content.decode()


def test_strangers_and_the_signed_out_see_nothing(cast: dict[str, Person], incident: Ticket) -> None:
    outsider = Person.objects.create_user("outsider")
    assert as_(outsider).get("/tickets/INC-1/review").status_code == 404
    assert as_(cast["reviewer"]).get("/tickets/INC-2/review").status_code == 404
    assert Client().get("/tickets/INC-1/review").status_code == 302


def test_the_page_asks_a_constant_number_of_questions(cast: dict[str, Person], incident: Ticket) -> None:
    client = as_(cast["reviewer"])
    press(client, "changes", comment="Once")
    with statements() as few:
        shown(client)
    for number in range(10):
        press(client, "changes", comment=f"Change {number}")
    with statements() as many:
        shown(client)
    assert len(many) <= len(few) <= 40


@pytest.mark.parametrize("draft", [scale(), with_command()])
def test_a_draft_reads_back_from_its_text_as_it_was(draft: dict[str, object]) -> None:
    parsed = schema.parse(draft)
    assert schema.parse(draft_text.data_of(draft_text.text_of(parsed))) == parsed


def test_requested_changes_are_what_blocks_and_the_makers_are_told(cast: dict[str, Person], incident: Ticket) -> None:
    press(as_(cast["reviewer"]), "changes", comment="Name the owner")
    page = shown(as_(cast["reviewer"]))
    assert "asked for changes: Name the owner" in page
    assert "is being checked" not in page
    assert Notice.objects.get(person=cast["engineer"]).message.text.endswith("requested changes: Name the owner")


def test_a_reviewer_writes_the_steps_where_no_drafter_got_anywhere(cast: dict[str, Person]) -> None:
    incident = ticket(cast["engineer"])
    begun = remediations.begin(incident.pk, actor=system("drafting"), at=timezone.now())
    endings.ask_person(begun.pk, reason="No runbook fits this ticket.", at=timezone.now())
    client = as_(cast["reviewer"])
    assert "or write the steps yourself" in shown(client)
    assert "a reviewer then" in shown(as_(cast["operator"]))
    form = client.get("/tickets/INC-1/review/edit").context
    assert form["typed"].startswith("# Fill in what is empty")
    answer = client.post("/tickets/INC-1/review/edit", {"draft": form["typed"], "base_digest": form["base"]})
    assert answer.status_code == 422
    assert "draft.steps[1].verify.command: This is empty." in answer.content.decode()
    written = draft_text.text_of(schema.parse(with_command()))
    client.post("/tickets/INC-1/review/edit", {"draft": written, "base_digest": form["base"]})
    assert remediation_of(incident).revisions.get().author == cast["reviewer"]


def test_the_page_says_what_a_gate_found_and_how_to_mend_it(cast: dict[str, Person]) -> None:
    drafted(ticket(cast["engineer"]), scale(scope={**scale()["scope"], "allowed_changes": ["restart_pod"]}))
    drain("probe")
    found = GateResult.objects.exclude(findings=[]).first()
    assert found
    page = shown(as_(cast["reviewer"]))
    assert escape(found.findings[0]["text"]) in page
    assert escape(found.findings[0]["mend"]) in page


def test_the_blank_form_of_a_draft_lacks_nothing_but_words() -> None:
    blank = draft_text.data_of(draft_text.blank_of(title="Disk: full", service=None, systems=[]))
    with pytest.raises(ValidationError) as refused:
        schema.parse(blank)
    assert {each["type"] for each in refused.value.errors()} == {"string_too_short"}
    assert (blank["summary"], blank["scope"]["service"]) == ("Disk: full", None)
