"""Postmortems through their doors: drafted when a run ends, followed, edited, refused, listed, handed out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from conftest import RunningAs
from patterns.models import Pattern
from portal.access.models import Person
from portal.access.testing import caller, person
from portal.audit.models import Event
from portal.jobs.testing import drain
from portal.kit.testing.queries import statements
from remediation.drafting.models import Remediation
from remediation.execution.testing import Signed
from remediation.playbooks.repository.content import text_of
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.tests.requesting import content
from remediation.postmortem.models import Postmortem, Version
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.review.services import Said
from remediation.tickets.models import Ticket

PAGE, API = "/tickets/INC-1/postmortem", "/api/v1/tickets/INC-1/postmortem"
FEEDBACK = {"rating": "2", "feedback_type": "negative", "resolution_accurate": "no", "suggestions": "Alert *earlier*."}


@pytest.fixture
def rejected(cast: dict[str, Person], lab_connectors: Any) -> Ticket:
    """A ticket whose draft was sent back, edited and rejected: no run ever ended."""
    incident = review.ticket(cast["engineer"])
    first = review.drafted(incident)
    drain("probe")
    remediation, who = review.remediation_of(incident), cast["reviewer"]
    at: dict[str, Any] = {"door": "page", "at": timezone.now()}
    said = [Said("step 1, rollback", "Back to two is too few.")]
    reviews.request_changes(remediation.pk, comment="No.", said=said, digest=first.digest, person=who, **at)
    edited = review.scale(rollback_minutes=15)
    reviews.revise(remediation.pk, draft=edited, base_digest=first.digest, person=who, **at)
    reviews.reject(remediation.pk, reason="wrong_cause", comment="It is the network.", person=cast["approver"], **at)
    return incident


def as_(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


def newest() -> Version:
    return Version.objects.latest("number")


def test_the_end_of_a_run_writes_down_what_happened(ran: Signed) -> None:
    version = newest()
    assert (version.number, version.author) == (1, None)
    for said in (
        "# Postmortem of INC-1: Payments pods unhealthy, secondary pool under-scaled",
        "**reviewer** signed the merge plan",
        "**approver** signed the rollout plan",
        "The secondary pool is too small for the load.",
        "$ kubectl get deploy\npayments-secondary 2/2",
        "Step 1, Scale payments-secondary: verified, acted",
        "no pull request with a role came of this ticket",
    ):
        assert said in version.text
    assert "Nothing that the record shows" in version.text
    event = Event.objects.get(kind="postmortem.drafted")
    assert (event.actor_kind, event.actor_name, event.ticket_key) == ("system", "general", "INC-1")


def test_what_the_drafter_got_wrong_is_told_with_who_saw_it(rejected: Ticket, cast: dict[str, Person]) -> None:
    answer = as_(cast["reviewer"]).post(f"{PAGE}/draft", follow=True)
    assert "Version 1 is drafted from the record." in answer.content.decode()
    wrong = newest().text.partition("## What the AI got wrong")[2].partition("\n## ")[0]
    for said in (
        "**reviewer requested changes:** No.",
        "**reviewer on step 1, rollback:** Back to two is too few.",
        "**Revision 2 by reviewer:** changed draft.yml.",
        "**approver rejected (wrong cause):** It is the network.",
    ):
        assert said in wrong
    assert "-rollback_minutes: 5\n+rollback_minutes: 15" in newest().text


def test_feedback_is_followed_until_somebody_edits(ran: Signed) -> None:
    operator = as_(ran.operator)
    operator.post("/tickets/INC-1/feedback", FEEDBACK)
    drain("general")
    assert newest().number == 2
    assert "**Feedback of operator:** The resolution was not right." in newest().text
    assert "- [ ] operator suggests: Alert \\*earlier\\*." in newest().text
    operator.post(f"{PAGE}/edit", {"text": "# Ours", "base": "2", "save": "yes"})
    operator.post("/tickets/INC-1/feedback", {**FEEDBACK, "rating": "1"})
    drain("general")
    assert (newest().number, newest().text, newest().author) == (3, "# Ours", ran.operator)
    answer = operator.post(f"{PAGE}/draft", follow=True)
    assert "Version 4 is drafted from the record." in answer.content.decode()
    assert "1 of 5 stars" in newest().text
    answer = operator.post(f"{PAGE}/draft", follow=True)
    assert "The newest version says all that the record says." in answer.content.decode()
    assert newest().number == 4


def test_an_edit_of_an_older_version_is_told_and_loses_nothing(ran: Signed) -> None:
    first, second = as_(ran.operator), as_(ran.cast["engineer"])
    assert first.post(f"{PAGE}/edit", {"text": "One", "base": "1", "save": "yes"}).status_code == 302
    answer = second.post(f"{PAGE}/edit", {"text": "Another", "base": "1", "save": "yes"})
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "You edited version 1; the newest is version 2." in shown
    assert ">Another</textarea>" in shown
    assert newest().text == "One"


def test_what_cannot_be_kept_is_refused_with_a_reason(ran: Signed) -> None:
    for text, says in (
        (" \n", "A postmortem says something."),
        ("a\x00b", "NUL characters"),
        ("x" * 400_001, "at most 400,000"),
        ("x\n" * 10_002, "at most 10,000 lines"),
        (newest().text, "word for word"),
    ):
        answer = as_(ran.operator).post(f"{PAGE}/edit", {"text": text, "base": "1", "save": "yes"})
        assert answer.status_code == 422
        assert says in answer.content.decode()
    assert Version.objects.count() == 1


def test_a_preview_shows_what_would_be_saved_and_saves_nothing(ran: Signed) -> None:
    answer = as_(ran.operator).post(
        f"{PAGE}/edit", {"text": "# Why <b>\n\n- it **fell**", "base": "1", "preview": "yes"}
    )
    shown = answer.content.decode()
    assert "<h2>Why &lt;b&gt;</h2>" in shown
    assert "<strong>fell</strong>" in shown
    answer = as_(ran.operator).post(f"{PAGE}/edit", {"text": "x" * 400_001, "base": "1", "preview": "yes"})
    assert (answer.status_code, "at most 400,000" in answer.content.decode()) == (422, True)
    assert Version.objects.count() == 1


def test_versions_say_who_wrote_them_and_what_changed(ran: Signed) -> None:
    client = as_(ran.operator)
    client.post(f"{PAGE}/edit", {"text": newest().text.replace("sev1", "sev2"), "base": "1", "save": "yes"})
    shown = client.get(f"{PAGE}/versions").content.decode()
    assert "Version 1 against version 2" in shown
    assert "the record" in shown
    assert shown.count('class="added') == 2  # the count, and the line
    assert client.get(f"{PAGE}?version=1").status_code == 200
    assert client.get(f"{PAGE}?version=9").status_code == 404


def test_a_postmortem_is_handed_out_as_markdown_and_as_one_page(ran: Signed) -> None:
    client = as_(ran.operator)
    client.post(f"{PAGE}/edit", {"text": "# Why\n\n<script>alert(1)</script>", "base": "1", "save": "yes"})
    text = client.get(f"{PAGE}/markdown")
    assert (text.content.decode(), text["Content-Disposition"]) == (
        "# Why\n\n<script>alert(1)</script>",
        'attachment; filename="INC-1-postmortem.md"',
    )
    html = client.get(f"{PAGE}/html").content.decode()
    assert "<h1>Why</h1>" in html
    assert "&lt;script&gt;" in html
    assert newest().digest in html
    assert "<link" not in html
    assert "<script" not in html
    assert "drafted" not in client.get(f"{PAGE}/markdown?version=1").content.decode()[:20]


def test_the_api_does_what_the_page_does(ran: Signed) -> None:
    engineer, auditor = caller(ran.cast["engineer"]), caller(ran.cast["auditor"])
    read = auditor.get(API).json()
    assert (read["version"], read["written_by"], read["digest"]) == (1, None, newest().digest)
    saved = engineer.post(f"{API}/versions", {"text": "# Ours", "base": 1}, format="json")
    assert (saved.status_code, saved.json()["written_by"]) == (201, "engineer")
    stale = engineer.post(f"{API}/versions", {"text": "# Theirs", "base": 1}, format="json")
    assert stale.status_code == 409
    assert auditor.post(f"{API}/versions", {"text": "# Mine", "base": 2}, format="json").status_code == 403
    assert auditor.post(API).status_code == 403
    assert engineer.post(API).json()["version"] == 3
    assert engineer.post(API).status_code == 422
    listed = auditor.get(f"{API}/versions?size=2").json()
    assert [row["version"] for row in listed["items"]] == [3, 2]
    assert auditor.get(f"{API}?version=2").json()["text"] == "# Ours"
    assert [row["ticket_id"] for row in auditor.get("/api/v1/postmortems").json()["items"]] == ["INC-1"]


def test_who_does_not_see_the_category_finds_no_postmortem(ran: Signed) -> None:
    stranger = person("stranger")
    for path in (PAGE, f"{PAGE}/edit", f"{PAGE}/versions", f"{PAGE}/markdown", f"{PAGE}/html"):
        assert as_(stranger).get(path).status_code == 404
    assert caller(stranger).get("/api/v1/postmortems").json()["items"] == []
    assert "INC-1" not in as_(stranger).get("/postmortems").content.decode()
    assert as_(ran.cast["auditor"]).get(f"{PAGE}/edit").status_code == 403


def test_a_ticket_that_is_being_worked_on_has_nothing_to_write_down(cast: dict[str, Person]) -> None:
    review.ticket(cast["engineer"])
    engineer = as_(cast["engineer"])
    assert "The ticket is still being worked on." in engineer.get(PAGE).content.decode()
    answer = engineer.post(f"{PAGE}/draft", follow=True)
    assert "INC-1 is still being worked on." in answer.content.decode()
    assert not Postmortem.objects.exists()


def test_the_list_costs_the_same_however_long_it_is(cast: dict[str, Person]) -> None:
    def written(number: int) -> None:
        ticket = review.ticket(cast["engineer"], f"INC-{number}")
        row = Postmortem.objects.create(ticket=ticket, category=ticket.category, newest=1, created_at=timezone.now())
        at = timezone.now() - timedelta(minutes=number)
        Version.objects.create(postmortem=row, number=1, text="x", digest="d", created_at=at)

    client = as_(cast["auditor"])
    written(1)
    with statements() as few:
        client.get("/postmortems")
    for number in range(2, 8):
        written(number)
    with statements() as many:
        shown = client.get("/postmortems").content.decode()
    assert len(many) == len(few)
    assert shown.index("INC-7") < shown.index("INC-1</a>")


def test_no_role_of_the_database_changes_a_version(ran: Signed, running_as: RunningAs) -> None:
    for role in ("web", "general"):
        with running_as(role), pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            Version.objects.update(text="It never happened.")
    assert Remediation.objects.exists()


def test_the_ticket_offers_its_postmortem(ran: Signed) -> None:
    shown = as_(ran.operator).get("/tickets/INC-1").content.decode()
    assert f'href="{PAGE}"' in shown
    assert APIClient().get(API).status_code == 401


def test_a_ticket_that_comes_again_is_offered_the_merged_role_first(ran: Signed) -> None:
    at, first = timezone.now(), ran.remediation
    PullRequest.objects.create(
        remediation=first, number=1, category=first.category, role_name="log_hygiene", role_digest="d",
        proof_digest="p", content=text_of(content()), status="merged", status_at=at, branch="ai/remediation-1",
        head_commit="c" * 40, merged_digest="d", merged_commit="m" * 40, merged_by="ana", merged_at=at, asked_at=at,
        url="https://forge.example/pulls/3",
    )  # fmt: skip
    again = review.ticket(ran.cast["engineer"], "INC-2")
    shown = as_(ran.operator).get("/tickets/INC-2").content.decode()
    before = shown[shown.index('id="before"') :]
    assert before.index("log_hygiene") < before.index("https://forge.example/pulls/3")
    assert "a ticket of the same category" in before
    assert 'id="before"' not in as_(ran.operator).get("/tickets/INC-1").content.decode()
    pattern = Pattern.objects.create(category=again.category, signature="s", title="Pods", key_terms=[], created_at=at)
    Ticket.objects.update(pattern=pattern)
    Postmortem.objects.update(pattern=pattern)
    before = as_(ran.cast["reviewer"]).get("/tickets/INC-2").content.decode().partition('id="before"')[2]
    assert "a ticket of the same category" not in before
    assert before.index("log_hygiene") < before.index("Postmortem of INC-1")
    as_(ran.operator).post(f"{PAGE}/draft")
    assert "- [x] Merged the role log\\_hygiene" in newest().text
    assert "<https://forge.example/pulls/3>" in newest().text
