"""What people say changes the ticket's reliability, the pattern's standing and the next decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from feedback import services
from feedback.models import Feedback
from patterns.models import Occurrence, Pattern
from portal.access.testing import person
from portal.jobs import services as jobs
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed
from remediation.connectors.testing import FaultKind, LabProcess
from remediation.desk.testing import V1, callers, incident
from remediation.execution.models import Run
from remediation.knowledge import services as knowledge
from remediation.policy.models import Assessment, CategoryPolicy, Decision
from remediation.review import testing as review
from remediation.tickets.models import Ticket

GET_DEPLOYMENT = "kubectl --context lab-k8s -n payments get deploy payments-secondary"
DEPLOYMENT = """\
NAME                 READY   UP-TO-DATE   AVAILABLE   AGE
payments-secondary   2/2     2            2           41d"""
NEEDED = "Load test figures: at this traffic payments-secondary needs 6 replicas to carry the load."
OTHER_WORDS = {
    "title": "payments deployment has too few replicas",
    "description": "2 pods cannot carry the traffic, requests queue, latency p99 is 8 s, scale it up.",
}


@pytest.fixture
def api(lab_connectors: Any) -> dict[str, APIClient]:
    review.world()
    knowledge.load(timezone.now())
    return callers(review.people())


def opened(api: dict[str, APIClient], key: str, **changes: Any) -> None:
    """A ticket that the runbook drafter has drafted and the probes have prepared for review."""
    observed = (timezone.now() - timedelta(minutes=3)).isoformat()
    evidence = [
        {"kind": "command", "command": GET_DEPLOYMENT, "text": DEPLOYMENT, "observed_at": observed},
        {"kind": "note", "text": NEEDED, "observed_at": observed},
    ]
    body = incident(key, evidence=evidence, affected_systems=["payments-secondary"], **changes)
    assert api["engineer"].post(f"{V1}/tickets", body, format="json").status_code == 201
    drain("drafting", "probe")


def resolved(api: dict[str, APIClient], key: str, **changes: Any) -> Ticket:
    """A ticket that was placed in its pattern and is over."""
    opened(api, key, **changes)
    Ticket.objects.filter(key=key).update(status="resolved", finished_at=timezone.now())
    return Ticket.objects.get(key=key)


def say(api: dict[str, APIClient], key: str, role: str = "engineer", **changes: Any) -> None:
    body = {"ticket_id": key, "feedback_type": "positive", "rating": 5, **changes}
    assert api[role].post(f"{V1}/feedback", body, format="json").status_code in (200, 201)
    drain("general")


def shown(api: dict[str, APIClient], key: str) -> dict[str, Any]:
    body: dict[str, Any] = api["auditor"].get(f"{V1}/tickets/{key}").json()
    return body


def pattern_of(ticket: Ticket) -> Pattern:
    assert ticket.pattern_id is not None
    return Pattern.objects.get(pk=ticket.pattern_id)


def decide_again(api: dict[str, APIClient], key: str) -> Decision:
    """A new ticket of the same kind is drafted and decided about."""
    opened(api, key)
    return Decision.objects.filter(remediation__ticket__key=key).latest("pk")


def answers(decision: Decision) -> dict[str, str]:
    return {step["question"]: step["answer"] for step in decision.reasoning}


def test_a_differently_worded_ticket_finds_the_pattern_and_says_how_close_it_is(api: dict[str, APIClient]) -> None:
    first, second = resolved(api, "INC-1"), resolved(api, "INC-2", **OTHER_WORDS)
    assert second.pattern_id == first.pattern_id
    assert first.pattern_similarity is None
    assert second.pattern_similarity is not None
    assert 60 <= second.pattern_similarity < 100
    assert resolved(api, "INC-3").pattern_similarity == 100


def test_an_answer_changes_the_reliability_the_standing_and_the_next_decision(api: dict[str, APIClient]) -> None:
    tickets = [resolved(api, f"INC-{number}") for number in range(1, 5)]
    before = decide_again(api, "INC-50")
    known = shown(api, "INC-1")["reliability_score"]
    for ticket in tickets:
        say(api, ticket.key, resolution_accurate=True, actions_worked=True)
    good = decide_again(api, "INC-51")
    assert shown(api, "INC-1")["reliability_score"] > known
    assert pattern_of(tickets[0]).positive_permille == 1000
    assert answers(before)["Was the feedback good enough?"].startswith("No data")
    assert answers(good)["Was the feedback good enough?"] == "100, at least 85."
    assert good.assessment.overall_permille > before.assessment.overall_permille
    for ticket in tickets[:2]:
        say(api, ticket.key, feedback_type="negative", rating=1, actions_worked=False)
    bad = decide_again(api, "INC-52")
    assert pattern_of(tickets[0]).positive_permille == 500
    assert answers(bad)["Was the feedback good enough?"] == "No: 50, at least 85 asked for."
    assert bad.assessment.overall_permille < good.assessment.overall_permille


def test_positive_words_that_are_contradicted_do_not_count_as_positive(api: dict[str, APIClient]) -> None:
    ticket = resolved(api, "INC-1")
    say(api, "INC-1", rating=5, actions_worked=False)
    assert pattern_of(ticket).positive_permille == 0


def test_an_edit_replaces_and_others_add(api: dict[str, APIClient]) -> None:
    ticket = resolved(api, "INC-1")
    say(api, "INC-1", rating=5)
    say(api, "INC-1", "operator", rating=4)
    say(api, "INC-1", rating=2, feedback_type="negative")
    pattern = pattern_of(ticket)
    assert (pattern.feedback_count, pattern.positive_permille, pattern.average_rating_hundredths) == (2, 500, 300)
    assert Feedback.objects.count() == 2
    assert Occurrence.objects.filter(kind="feedback").count() == 3


def test_an_answer_delivered_twice_is_learned_once(api: dict[str, APIClient]) -> None:
    resolved(api, "INC-1")
    say(api, "INC-1")
    row = Feedback.objects.get()
    jobs.publish("feedback.given", subject_id=row.pk, at=timezone.now())
    assert "feedback.learn: This answer was learned before." in drain("general")
    assert Occurrence.objects.filter(kind="feedback").count() == 1
    assert Assessment.objects.filter(moment="feedback").count() == 1


def test_an_answer_about_a_ticket_without_a_pattern_is_kept_and_teaches_nothing(api: dict[str, APIClient]) -> None:
    assert api["engineer"].post(f"{V1}/tickets", incident("INC-1"), format="json").status_code == 201
    Ticket.objects.update(status="closed")
    say(api, "INC-1")
    assert Feedback.objects.count() == 1
    assert not Occurrence.objects.exists()


@pytest.mark.parametrize(("fault", "succeeded"), [(None, 1), ("lies", 0)])
def test_a_run_counts_for_the_pattern_and_is_assessed(
    api: dict[str, APIClient], lab: LabProcess, settings: Any, fault: FaultKind | None, succeeded: int
) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.RUN_SETTLE_SECONDS = 0.5 if fault else 20.0
    if fault:
        lab.fault("scale_deployment", fault)
    opened(api, "INC-1")
    for role, stage in (("reviewer", "merge"), ("approver", "rollout")):
        body = {"ticket_id": "INC-1", "approve": True, "stage": stage, "digest": shown(api, "INC-1")["plan"]["digest"]}
        assert api[role].post(f"{V1}/tickets/INC-1/approve-remediation", body, format="json").status_code == 200
    results = drain()
    assert any(result.startswith("feedback.learn_run: Learned from run") for result in results), results
    pattern = Pattern.objects.get()
    assert (pattern.executed_count, pattern.succeeded_count) == (1, succeeded)
    learned = Occurrence.objects.get(kind="executed")
    assert (learned.ticket_key, learned.action, learned.succeeded) == ("INC-1", "scale_deployment", bool(succeeded))
    assert Assessment.objects.filter(moment="outcome").count() == 1
    run = Run.objects.get()
    services.learn_run(run.pk, at=timezone.now())
    pattern.refresh_from_db()
    assert pattern.executed_count == 1
    assert Assessment.objects.filter(moment="outcome").count() == 1


def test_who_serves_learns_and_drafts_has_the_rights_for_it(
    committed_db: str, running_as: Callable[[str], Any]
) -> None:
    review.world()
    cast = review.people()
    review.ticket(cast["engineer"], "INC-1", evidence=[])
    with running_as("drafting"):
        drain("drafting")
    Ticket.objects.update(status="resolved")
    with running_as("web"):
        services.give(
            person=cast["operator"],
            ticket_id=Ticket.objects.get().pk,
            answer=services.Answer("positive", 5),
            door="page",
            at=timezone.now(),
        )
    with running_as("general"):
        results = drain("general")
    assert "feedback.learn: Learned from" in " ".join(results)
    assert pattern_of(Ticket.objects.get()).feedback_count == 1


def test_old_answers_weigh_less_than_new_ones(api: dict[str, APIClient]) -> None:
    CategoryPolicy.objects.update(min_feedback_rate=None)
    for number, rating in ((1, 1), (2, 5)):
        resolved(api, f"INC-{number}")
        say(api, f"INC-{number}", rating=rating, feedback_type="positive" if rating > 3 else "negative")
    now = shown(api, "INC-2")["reliability_breakdown"]["breakdown"]["human_validation"]
    Occurrence.objects.filter(ticket_key="INC-1", kind="feedback").update(at=timezone.now() - timedelta(days=90))
    say(api, "INC-2", rating=5, comment="Still well.")
    later = shown(api, "INC-2")["reliability_breakdown"]["breakdown"]["human_validation"]
    assert later > now


def test_a_stranger_cannot_teach(api: dict[str, APIClient]) -> None:
    ticket = resolved(api, "INC-1")
    with pytest.raises(NotAllowed):
        services.give(
            person=person("outsider"),
            ticket_id=ticket.pk,
            answer=services.Answer("positive", 5),
            door="page",
            at=timezone.now(),
        )
