"""Tickets through the real API: open once, read what you may see, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.access.testing import caller, person
from portal.audit.models import Event
from portal.estate.models import Category
from portal.jobs.models import Job
from portal.kit.actors import system
from portal.kit.testing.queries import statements
from remediation.desk.testing import V1, as_, incident
from remediation.drafting import services as remediations
from remediation.drafting.testing import endings
from remediation.tickets.models import Evidence, Ticket

ACCEPTED = {"status": "processing", "confidence_score": 0.0, "reliability_score": None}


def opened(client: APIClient, *keys: str, **changes: Any) -> None:
    for key in keys:
        assert client.post(f"{V1}/tickets", incident(key, **changes), format="json").status_code == 201


def listed(client: APIClient, query: str = "") -> list[str]:
    answer = client.get(f"{V1}/tickets{query}")
    assert answer.status_code == 200, answer.content
    return [row["ticket_id"] for row in answer.json()["items"]]


def test_an_accepted_ticket_is_answered_stored_recorded_and_drafted_from(api: dict[str, APIClient]) -> None:
    answer = api["engineer"].post(f"{V1}/tickets", incident(), format="json")
    assert answer.status_code == 201
    assert answer.json() == {"ticket_id": "INC-1", "auto_remediation_enabled": True, **ACCEPTED}
    assert answer["Location"] == f"{V1}/tickets/INC-1"
    ticket = Ticket.objects.get(key="INC-1")
    assert Event.objects.get(kind="ticket.opened").ticket_id == ticket.pk
    assert Job.objects.get(kind="drafting.draft").subject_id == ticket.pk


def test_auto_remediation_is_off_unless_asked_for(api: dict[str, APIClient]) -> None:
    body = incident()
    del body["enable_auto_remediation"]
    answer = api["engineer"].post(f"{V1}/tickets", body, format="json")
    assert answer.json()["auto_remediation_enabled"] is False
    assert not Ticket.objects.get().enable_auto_remediation


def test_timeline_entries_become_evidence(api: dict[str, APIClient]) -> None:
    at = timezone.now().isoformat()
    timeline = [
        {"at": at, "text": "On call was paged."},
        {"at": at, "text": "Looked at the pool.", "command": "kubectl get pods", "output": "2 pods"},
    ]
    opened(api["engineer"], "INC-1", timeline=timeline)
    rows = [(e.ref, e.kind, e.text, e.command) for e in Evidence.objects.order_by("number")]
    assert rows == [
        ("E1", "timeline", "On call was paged.", ""),
        ("E2", "command", "Looked at the pool.\n2 pods", "kubectl get pods"),
        ("E3", "command", "payments-secondary 2/2", "kubectl get deploy"),
    ]


def test_the_same_key_and_body_give_the_same_answer_once(api: dict[str, APIClient]) -> None:
    body = incident()
    first = api["engineer"].post(f"{V1}/tickets", body, format="json", headers={"Idempotency-Key": "k-1"})
    shuffled = dict(reversed(body.items()))
    second = api["engineer"].post(f"{V1}/tickets", shuffled, format="json", headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert Ticket.objects.count() == 1
    assert Job.objects.filter(kind="drafting.draft").count() == 1


def test_the_same_key_with_another_body_is_refused(api: dict[str, APIClient]) -> None:
    header = {"Idempotency-Key": "k-1"}
    api["engineer"].post(f"{V1}/tickets", incident(), format="json", headers=header)
    again = api["engineer"].post(f"{V1}/tickets", incident("INC-2"), format="json", headers=header)
    assert again.status_code == 422
    assert again.json()["errors"][0]["field"] == "Idempotency-Key"
    assert not Ticket.objects.filter(key="INC-2").exists()


def test_an_existing_ticket_id_is_a_conflict_that_changes_nothing(api: dict[str, APIClient]) -> None:
    opened(api["engineer"], "INC-1")
    events, jobs = Event.objects.count(), Job.objects.count()
    again = api["operator"].post(f"{V1}/tickets", incident(title="Something else"), format="json")
    assert again.status_code == 409
    assert again.json()["link"] == f"{V1}/tickets/INC-1"
    assert again.json()["errors"][0]["field"] == "ticket_id"
    assert Ticket.objects.get().title.startswith("Payments pods")
    assert (Event.objects.count(), Job.objects.count()) == (events, jobs)


def test_a_reviewer_opens_no_tickets(api: dict[str, APIClient]) -> None:
    assert api["reviewer"].post(f"{V1}/tickets", incident(), format="json").status_code == 403


def test_a_fresh_ticket_shows_every_field_and_null_for_what_nobody_knows(api: dict[str, APIClient]) -> None:
    opened(api["engineer"], "INC-1")
    shown = api["engineer"].get(f"{V1}/tickets/INC-1").json()
    unknown = {name for name, value in shown.items() if value is None}
    assert unknown == {
        "confidence_score",
        "drafter",
        "finished_at",
        "pattern",
        "plan",
        "reliability_breakdown",
        "reliability_score",
        "remediation_decision",
        "remediation_results",
        "resolution",
        "revision",
        "status_reason",
        "taken",
        "voided",
    }
    assert shown["suggested_actions"] == []
    assert shown["auto_remediation_enabled"] is True
    assert shown["auto_remediation_executed"] is False
    assert shown["evidence"][0]["ref"] == "E1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "/remediation-logs"),
        ("post", "/approve-remediation"),
        ("post", "/revisions"),
        ("post", "/ticks"),
        ("post", "/request-changes"),
        ("post", "/evidence"),
        ("post", "/redraft"),
        ("post", "/fresh-plan"),
        ("post", "/taken"),
        ("delete", "/taken"),
        ("post", "/cut"),
        ("post", "/look"),
        ("post", "/withdraw"),
        ("post", "/close"),
    ],
)
def test_a_ticket_of_a_category_you_may_not_see_is_like_none_at_all(
    api: dict[str, APIClient], method: str, path: str
) -> None:
    opened(api["engineer"], "INC-1")
    bodies: dict[str, dict[str, Any]] = {
        "/approve-remediation": {"approve": True, "stage": "merge", "digest": "x"},
        "/revisions": {"base_digest": "", "draft": {}},
        "/ticks": {"item": "x"},
        "/request-changes": {"comment": "No."},
        "/cut": {"step": 1, "base_digest": "x"},
        "/withdraw": {"reason": "No."},
        "/evidence": {"evidence": incident()["evidence"]},
        "/close": {},
    }
    outsider = caller(person("olga", sees=[Category.objects.get(slug="network")]))
    answers = [
        getattr(outsider, method)(f"{V1}/tickets/{key}{path}", bodies.get(path), format="json").json()
        for key in ("INC-1", "INC-2")
    ]
    assert [answer["status"] for answer in answers] == [404, 404]
    assert {**answers[0], "instance": ""} == {**answers[1], "instance": ""}


def test_a_list_shows_only_permitted_categories_newest_first(api: dict[str, APIClient]) -> None:
    opened(api["engineer"], "K-1")
    opened(api["engineer"], "N-1", category="network", service=None)
    opened(api["engineer"], "K-2")
    opened(api["engineer"], "S-1", category="storage", service=None)
    seen = Category.objects.filter(slug__in=["kubernetes", "storage"])
    olga = caller(person("olga", sees=list(seen)))
    assert listed(olga) == ["S-1", "K-2", "K-1"]
    assert listed(olga, "?category=network") == []
    assert listed(caller(person("nobody"))) == []
    assert listed(api["auditor"]) == ["S-1", "K-2", "N-1", "K-1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?severity=sev3", ["N-1"]),
        ("?category=network", ["N-1"]),
        ("?status=closed", ["K-1"]),
        ("?status=processing&severity=sev1", ["K-2"]),
        ("?text=flapping", ["N-1"]),
        ("?text=pods%20-flapping", ["K-2", "K-1"]),
        ("?text=%22secondary%20pool%22%20or%20flapping", ["K-2", "N-1", "K-1"]),
        ("?text=k-2", ["K-2"]),
        ("?text=nothing-like-it", []),
    ],
)
def test_lists_are_narrowed_by_every_filter(api: dict[str, APIClient], query: str, expected: list[str]) -> None:
    opened(api["engineer"], "K-1")
    network = {"category": "network", "service": None, "severity": "sev3", "title": "Port flapping", "description": "x"}
    opened(api["engineer"], "N-1", **network)
    opened(api["engineer"], "K-2")
    Ticket.objects.filter(key="K-1").update(status="closed")
    assert listed(api["engineer"], query) == expected


@pytest.mark.parametrize("text", ["", "&text=payments"])
def test_pages_join_to_the_whole_list_in_both_directions(api: dict[str, APIClient], text: str) -> None:
    keys = [f"{category[0]}-{n}" for n in range(4) for category in ("kubernetes", "network", "storage")]
    for key in keys:
        category = {"k": "kubernetes", "n": "network", "s": "storage"}[key[0]]
        opened(api["engineer"], key, category=category)
    answer = api["engineer"].get(f"{V1}/tickets?size=5{text}").json()
    pages = [answer]
    while answer["next"]:
        answer = api["engineer"].get(f"{V1}/tickets?size=5{text}&after={answer['next']}").json()
        pages.append(answer)
    assert [row["ticket_id"] for page in pages for row in page["items"]] == keys[::-1]
    back = api["engineer"].get(f"{V1}/tickets?size=5{text}&after={pages[-1]['previous']}").json()
    assert back["items"] == pages[-2]["items"]


@pytest.mark.parametrize("query", ["", "?text=payments", "?status=processing&severity=sev1"])
def test_the_number_of_queries_does_not_depend_on_the_rows(api: dict[str, APIClient], query: str) -> None:
    def queries() -> int:
        with statements() as captured:
            listed(api["engineer"], query)
        return len(captured)

    opened(api["engineer"], "A-1")
    queries()  # content types are looked up once per process
    few = queries()
    opened(api["engineer"], *(f"B-{n}" for n in range(12)))
    assert queries() == few == 4


def test_evidence_is_added_with_the_next_number(api: dict[str, APIClient]) -> None:
    opened(api["engineer"], "INC-1")
    piece = {"kind": "log", "text": "OOMKilled", "observed_at": timezone.now().isoformat()}
    answer = api["engineer"].post(f"{V1}/tickets/INC-1/evidence", {"evidence": [piece, piece]}, format="json")
    assert answer.status_code == 201
    assert [row["ref"] for row in answer.json()["evidence"]] == ["E2", "E3"]
    assert len(api["engineer"].get(f"{V1}/tickets/INC-1").json()["evidence"]) == 3


def test_a_ticket_on_which_work_goes_on_is_not_closed(api: dict[str, APIClient], cast: dict[str, Person]) -> None:
    opened(api["engineer"], "INC-1")
    early = api["engineer"].post(f"{V1}/tickets/INC-1/close", {"resolution": "Gone."}, format="json")
    assert early.status_code == 409
    Ticket.objects.update(status="failed")
    closed = api["engineer"].post(f"{V1}/tickets/INC-1/close", {"resolution": "Gone."}, format="json")
    assert closed.json() == {"ticket_id": "INC-1", "status": "closed", "resolution": "Gone."}
    assert Ticket.objects.get().finished_at is not None


@pytest.mark.parametrize("role", ["auditor", "policy admin"])
def test_who_only_reads_neither_adds_to_a_ticket_nor_closes_it(api: dict[str, APIClient], role: str) -> None:
    api["engineer"].post(f"{V1}/tickets", incident(), format="json")
    Ticket.objects.update(status="resolved")
    piece = {"kind": "note", "text": "Seen again.", "observed_at": "2026-05-04T10:05:00Z"}
    added = api[role].post(f"{V1}/tickets/INC-1/evidence", {"evidence": [piece]}, format="json")
    closed = api[role].post(f"{V1}/tickets/INC-1/close", {"resolution": "Gone."}, format="json")
    assert (added.status_code, closed.status_code) == (403, 403)
    assert Ticket.objects.get().status == "resolved"
    assert Ticket.objects.get().evidence.count() == 1


def test_nothing_begins_anew_on_a_closed_ticket(api: dict[str, APIClient], cast: dict[str, Person]) -> None:
    api["engineer"].post(f"{V1}/tickets", incident(), format="json")
    remediation = remediations.begin(Ticket.objects.get().pk, actor=system("drafting"), at=timezone.now())
    endings.fail(remediation.pk, reason="It broke.", at=timezone.now())
    api["engineer"].post(f"{V1}/tickets/INC-1/close", {"resolution": "Gone."}, format="json")
    again = api["reviewer"].post(f"{V1}/tickets/INC-1/redraft", {}, format="json")
    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "closed")
    piece = {"kind": "note", "text": "Seen again.", "observed_at": "2026-05-04T10:05:00Z"}
    added = api["engineer"].post(f"{V1}/tickets/INC-1/evidence", {"evidence": [piece]}, format="json")
    assert (added.status_code, added.json()["errors"][0]["code"]) == (409, "closed")
    assert "Draft again" not in as_(cast["reviewer"]).get("/tickets/INC-1").content.decode()


def test_nothing_is_signed_or_drafted_again_before_a_draft_was_begun(api: dict[str, APIClient]) -> None:
    opened(api["engineer"], "INC-1")
    assert api["reviewer"].post(f"{V1}/tickets/INC-1/redraft").status_code == 409
    body = {"approve": True, "stage": "merge", "digest": "0" * 64}
    answer = api["reviewer"].post(f"{V1}/tickets/INC-1/approve-remediation", body, format="json")
    assert answer.status_code == 409
    assert "`plan`" in answer.json()["detail"]


def test_an_expired_token_opens_nothing(cast: dict[str, Person]) -> None:
    client = caller(cast["engineer"])
    cast["engineer"].tokens.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(f"{V1}/tickets").status_code == 401
