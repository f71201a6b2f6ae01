"""Tickets through the browser's door: opened by form, read by people, added to, closed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patterns.models import Pattern
from portal.access.models import Person
from portal.access.testing import person
from portal.audit.models import Event
from portal.estate.models import Category
from portal.jobs.testing import drain
from portal.kit.actors import system
from portal.kit.testing.queries import statements
from remediation.desk.testing import as_
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.review import testing as review
from remediation.tickets.models import Evidence, Ticket

pytestmark = pytest.mark.usefixtures("lab_connectors")


def typed(**changes: str) -> dict[str, str]:
    """The form of a new ticket with one piece of evidence in the second of three places."""
    body = {
        "key": "INC-7",
        "title": "Payments pods unhealthy",
        "description": "The secondary pool is too small.",
        "category": "kubernetes",
        "severity": "1",
        "environment": "production",
        "service": "payments",
        "affected_systems": "payments-primary\r\n\r\n payments-secondary ",
        "enable_auto_remediation": "on",
        "evidence-TOTAL_FORMS": "3",
        "evidence-INITIAL_FORMS": "0",
    }
    for row in range(3):
        for name in ("kind", "observed_at", "environment", "release", "command", "text"):
            body[f"evidence-{row}-{name}"] = ""
    body |= {
        "evidence-1-kind": "command",
        "evidence-1-observed_at": "2026-05-04T09:57",
        "evidence-1-command": "kubectl get deploy",
        "evidence-1-text": "  payments-secondary 2/2\r\n",
    }
    return body | changes


def shown(client: Client, key: str = "INC-1") -> str:
    answer = client.get(f"/tickets/{key}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_ticket_is_opened_by_form(cast: dict[str, Person]) -> None:
    answer = as_(cast["engineer"]).post("/tickets/new", typed(), follow=True)
    assert answer.redirect_chain == [("/tickets/INC-7", 302)]
    ticket = Ticket.objects.get()
    assert (ticket.key, ticket.severity, ticket.enable_auto_remediation) == ("INC-7", 1, True)
    assert ticket.affected_systems == ["payments-primary", "payments-secondary"]
    assert ticket.service
    assert ticket.service.slug == "payments"
    piece = Evidence.objects.get()
    assert (piece.ref, piece.kind, piece.command, piece.text) == (
        "E1",
        "command",
        "kubectl get deploy",
        "  payments-secondary 2/2\n",
    )
    assert piece.observed_at.isoformat() == "2026-05-04T09:57:00+00:00"
    assert Event.objects.get(kind="ticket.opened").door == "page"


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        ({"key": "no spaces please"}, 422, "no spaces"),
        ({"title": ""}, 422, "required"),
        ({"title": "\u200b\u2060"}, 422, "required"),
        ({"description": "\u3164"}, 422, "required"),
        ({"title": "a\x00b"}, 422, "Null characters"),
        ({"severity": "5"}, 422, "Select a valid choice"),
        ({"category": "unheard-of"}, 422, "Select a valid choice"),
        ({"service": "unheard-of"}, 422, "Select a valid choice"),
        ({"description": "x" * 70_000}, 422, "At most 65,536 bytes"),
        ({"affected_systems": "x" * 201}, 422, "At most 50 systems"),
        ({"evidence-1-observed_at": "yesterday"}, 422, "Enter a valid date/time"),
        ({"evidence-1-kind": ""}, 422, "required"),
        ({"evidence-1-command": "", "evidence-1-text": " "}, 422, "Say what was observed."),
        ({"key": "INC-1"}, 409, "exists already"),
    ],
)
def test_nothing_typed_is_lost_to_a_mistake(
    cast: dict[str, Person], wrong: dict[str, str], status: int, says: str
) -> None:
    review.ticket(cast["engineer"], "INC-1")
    answer = as_(cast["engineer"]).post("/tickets/new", typed(**wrong))
    assert (answer.status_code, Ticket.objects.count()) == (status, 1)
    page = answer.content.decode()
    assert says in page
    for name, value in typed(**wrong).items():
        if value and "FORMS" not in name and "\x00" not in value:
            form = answer.context["pieces"][int(name[9])] if name.startswith("evidence-") else answer.context["form"]
            assert form[name.rpartition("-")[2]].value() in (value, True), name


def test_room_for_more_evidence_keeps_what_was_typed_and_judges_nothing(cast: dict[str, Person]) -> None:
    answer = as_(cast["engineer"]).post("/tickets/new", typed(key="", more="yes"))
    assert answer.status_code == 200
    pieces = answer.context["pieces"]
    assert len(pieces.forms) == 6
    assert 'name="evidence-INITIAL_FORMS" value="0"' in answer.content.decode()
    assert pieces.forms[1]["command"].value() == "kubectl get deploy"
    assert answer.context["form"]["title"].value() == "Payments pods unhealthy"
    assert "checked" in str(answer.context["form"]["enable_auto_remediation"])
    assert "errorlist" not in answer.content.decode()
    again = typed(**{"evidence-TOTAL_FORMS": "6", "evidence-5-kind": "note", "evidence-5-text": "Later"})
    again |= {f"evidence-{row}-{name}": "" for row in (3, 4) for name in ("kind", "observed_at", "text", "command")}
    again |= {"evidence-5-observed_at": "2026-05-04T10:00"}
    assert as_(cast["engineer"]).post("/tickets/new", again).status_code == 302
    assert Evidence.objects.count() == 2


def test_a_forged_number_of_rows_is_no_error(cast: dict[str, Person]) -> None:
    client = as_(cast["engineer"])
    for count in ("", "99999999999", "many"):
        assert client.post("/tickets/new", typed(**{"evidence-TOTAL_FORMS": count})).status_code == 422
        assert client.post("/tickets/new", typed(**{"evidence-TOTAL_FORMS": count, "more": "yes"})).status_code == 200


def test_only_those_who_may_open_tickets_get_the_form(cast: dict[str, Person]) -> None:
    assert as_(cast["reviewer"]).get("/tickets/new").status_code == 403
    assert as_(cast["reviewer"]).post("/tickets/new", typed()).status_code == 403
    assert "New ticket" not in as_(cast["reviewer"]).get("/tickets").content.decode()
    assert "New ticket" in as_(cast["engineer"]).get("/tickets").content.decode()


def test_the_page_shows_what_was_reported_drafted_and_decided(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    assert "The drafter reads the evidence" in shown(as_(cast["engineer"]))
    review.drafted(ticket)
    drain("probe")
    page = shown(as_(cast["engineer"]))
    for words in (
        "A draft waits for review.",
        'href="/tickets/INC-1/review"',
        "drafted by Runbook drafter",
        "The secondary pool is too small for the load.",
        'href="#evidence-E1"',
        'id="evidence-E1"',
        "scale_deployment",
        "kubernetes:lab-k8s/payments/deployment/payments-secondary",
        "What the policy decided",
        "no data",
        "saved a revision",
        "payments-secondary 2/2",
    ):
        assert words in page, words


def test_the_page_follows_the_work_and_rests_when_it_rests(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    client = as_(cast["engineer"])
    page = client.get("/tickets/INC-1")
    assert "hx-get" in page.content.decode()
    seen = page.context["seen"]
    assert client.get("/tickets/INC-1/live", {"seen": seen}).status_code == 204
    review.drafted(ticket)
    drain("probe")
    answer = client.get("/tickets/INC-1/live", {"seen": seen})
    assert answer.status_code == 200
    assert "Awaiting review" in answer.content.decode()
    assert "hx-get" not in answer.content.decode()


def test_prompts_and_answers_are_for_those_who_review(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    review.drafted(ticket)
    at = timezone.now()
    review.remediation_of(ticket).attempts.create(
        drafter="runbook",
        outcome="drafted",
        prompt="The whole prompt",
        answer="The whole answer",
        started_at=at,
        ended_at=at,
    )
    page = as_(cast["reviewer"]).get("/tickets/INC-1/attempts").content.decode()
    assert "The whole prompt" in page
    assert "The whole answer" in page
    assert as_(cast["engineer"]).get("/tickets/INC-1/attempts").status_code == 403
    assert "/tickets/INC-1/attempts" not in shown(as_(cast["engineer"]))


def test_evidence_is_added_and_a_mistake_keeps_it(cast: dict[str, Person]) -> None:
    review.ticket(cast["engineer"])
    client = as_(cast["engineer"])
    body = {"kind": "log", "observed_at": "2026-05-04T10:05", "text": "OOMKilled", "command": "", "release": ""}
    assert client.post("/tickets/INC-1/evidence", body).status_code == 302
    assert Evidence.objects.get(number=2).text == "OOMKilled"
    answer = client.post("/tickets/INC-1/evidence", body | {"kind": ""})
    assert answer.status_code == 422
    assert answer.context["evidence_form"]["text"].value() == "OOMKilled"
    assert Evidence.objects.count() == 2


def test_a_ticket_is_closed_once_and_only_when_nothing_is_on_its_way(cast: dict[str, Person]) -> None:
    review.ticket(cast["engineer"])
    client = as_(cast["engineer"])
    early = client.post("/tickets/INC-1/close", {"resolution": "My words"})
    assert early.status_code == 409
    assert "cannot be closed yet" in early.content.decode()
    Ticket.objects.update(status="failed")
    assert client.post("/tickets/INC-1/close", {"resolution": "Scaled by hand."}).status_code == 302
    assert "Scaled by hand." in shown(client)
    assert client.post("/tickets/INC-1/close", {"resolution": "Again"}).status_code == 409


def test_nothing_is_added_to_a_closed_ticket_and_what_was_typed_stays(cast: dict[str, Person]) -> None:
    review.ticket(cast["engineer"])
    client = as_(cast["engineer"])
    assert "Add evidence" in shown(client)
    Ticket.objects.update(status="closed")
    assert "Add evidence" not in shown(client)
    body = {"kind": "log", "observed_at": "2026-05-04T10:05", "text": "OOMKilled", "command": "", "release": ""}
    late = client.post("/tickets/INC-1/evidence", body)
    assert (late.status_code, Evidence.objects.count()) == (409, 1)
    assert "INC-1 is closed. Open a new ticket." in late.content.decode()
    assert "OOMKilled" in late.content.decode()


def test_a_resolved_ticket_says_once_what_resolved_it(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    remediation = remediations.begin(ticket.pk, actor=system("drafting"), at=timezone.now())
    Remediation.objects.filter(pk=remediation.pk).update(status_reason="Six pods are ready.")
    Ticket.objects.update(status="resolved", resolution="Six pods are ready.")
    assert shown(as_(cast["engineer"])).count("Six pods are ready.") == 1
    Ticket.objects.update(status="closed", resolution="A person said more.")
    page = shown(as_(cast["engineer"]))
    assert "Six pods are ready." in page
    assert "A person said more." in page


def test_a_new_draft_is_asked_for_by_those_who_review(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    client = as_(cast["reviewer"])
    assert client.post("/tickets/INC-1/redraft").status_code == 409
    draft = review.scale()
    draft["facts"][0]["evidence"] = ["E99"]
    review.drafted(ticket, draft)
    drain("probe")
    assert "Draft again" in shown(client)
    assert "Draft again" not in shown(as_(cast["engineer"]))
    assert as_(cast["engineer"]).post("/tickets/INC-1/redraft").status_code == 403
    assert client.post("/tickets/INC-1/redraft").status_code == 302
    assert Ticket.objects.get().status == "processing"


@pytest.mark.parametrize(
    "path",
    ["drafting/remediation/{r}/change/", "drafting/remediation/{r}/delete/", "drafting/remediation/add/"],
)
def test_the_settings_change_no_status(cast: dict[str, Person], path: str) -> None:
    ticket = review.ticket(cast["engineer"])
    review.drafted(ticket)
    remediation = review.remediation_of(ticket)
    root = as_(Person.objects.create_superuser("root"))
    body = {"status": "succeeded", "post": "yes", "ticket": ticket.pk}
    root.post(f"/admin/{path.format(r=remediation.pk)}", body)
    root.post("/admin/drafting/remediation/", {"action": "delete_selected", "_selected_action": remediation.pk} | body)
    assert review.remediation_of(ticket).status == remediation.status
    assert root.get(f"/admin/drafting/remediation/{remediation.pk}/change/")["Location"] == "/tickets/INC-1/review"


def test_the_whole_timeline_is_paged(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    event = Event.objects.get(kind="ticket.opened")
    for _ in range(60):
        event.pk = None
        event.save(force_insert=True)
    client = as_(cast["engineer"])
    first = client.get(f"/tickets/{ticket.key}/timeline")
    second = client.get(f"/tickets/{ticket.key}/timeline{first.context['older']}")
    assert [len(answer.context["events"]) for answer in (first, second)] == [50, 11]


@pytest.mark.parametrize("page", ["", "/live", "/timeline", "/attempts"])
def test_a_ticket_of_a_category_one_may_not_see_is_like_none_at_all(cast: dict[str, Person], page: str) -> None:
    review.ticket(cast["engineer"])
    outsider = as_(person("outsider", sees=[Category.objects.get(slug="network")]))
    assert outsider.get(f"/tickets/INC-1{page}").status_code == 404
    assert outsider.get(f"/tickets/INC-2{page}").status_code == 404
    assert Client().get(f"/tickets/INC-1{page}").status_code == 302


@pytest.mark.parametrize("verb", ["evidence", "redraft", "close"])
def test_a_foreign_ticket_is_changed_by_no_form(cast: dict[str, Person], verb: str) -> None:
    review.ticket(cast["engineer"])
    outsider = as_(person("outsider", "reviewer"))
    outsider_session = as_(person("stranger"))
    assert outsider_session.post(f"/tickets/INC-1/{verb}").status_code == 404
    assert outsider.get(f"/tickets/INC-1/{verb}").status_code == 405


def test_the_page_leads_to_its_pattern(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    pattern = Pattern.objects.create(
        category=ticket.category, signature="s", title="Pods & <pools>", key_terms=["pod"], created_at=timezone.now()
    )
    Ticket.objects.update(pattern=pattern)
    assert f'<a href="/patterns/{pattern.pk}">Pods &amp; &lt;pools&gt;</a>' in shown(as_(cast["engineer"]))


def test_the_page_asks_a_constant_number_of_questions(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    review.drafted(ticket)
    drain("probe")
    client = as_(cast["reviewer"])

    def queries() -> int:
        with statements() as captured:
            shown(client)
        return len(captured)

    queries()
    few = queries()
    event: Any = Event.objects.first()
    for _ in range(20):
        event.pk = None
        event.save(force_insert=True)
    body = {"kind": "log", "observed_at": "2026-05-04T10:05", "text": "OOMKilled"}
    for _ in range(10):
        client.post("/tickets/INC-1/evidence", body)
    assert queries() == few <= 45
