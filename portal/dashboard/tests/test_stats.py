"""Figures agree with the rows: what the database adds up is what a reader who counts by hand finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.models import Feedback
from patterns.models import Pattern
from patterns.reliability import is_positive
from portal.access.models import Person
from portal.access.testing import caller, person
from portal.dashboard import stats
from portal.estate.models import Category
from portal.kit import canonical
from portal.kit.testing.queries import statements
from portal.signoff.models import Plan, Vote
from remediation.drafting.models import Remediation, Revision
from remediation.execution.models import Run
from remediation.policy.models import Assessment, Decision
from remediation.tickets.models import Ticket

UNTIL = datetime(2026, 5, 4, tzinfo=timezone.get_default_timezone())
PERIOD = stats.Period(UNTIL - timedelta(days=30), UNTIL)
SLUGS = ("kubernetes", "network", "storage")
V1 = "/api/v1"

moments = st.sampled_from(
    [PERIOD.since - timedelta(seconds=1), PERIOD.since, UNTIL - timedelta(seconds=1), UNTIL]
) | st.datetimes(PERIOD.since.replace(tzinfo=None), UNTIL.replace(tzinfo=None)).map(
    lambda at: at.replace(tzinfo=UNTIL.tzinfo)
)
answers = st.fixed_dictionaries(
    {
        "feedback_type": st.sampled_from(["positive", "negative", "neutral"]),
        "rating": st.integers(1, 5),
        "resolution_accurate": st.none() | st.booleans(),
        "actions_worked": st.none() | st.booleans(),
        "updated_at": moments,
    }
)
assessments = st.fixed_dictionaries(
    {
        "overall_permille": st.integers(0, 1000),
        "ai_confidence_permille": st.integers(0, 1000),
        "no_data": st.sampled_from([[], ["ai_confidence"], ["human_validation"]]),
        "at": moments,
    }
)
stories = st.lists(
    st.fixed_dictionaries(
        {
            "slug": st.sampled_from(SLUGS),
            "ticket": st.sampled_from(
                ["processing", "resolved", "failed", "closed", "rejected", "partially_remediated"]
            ),
            "finished_at": st.none() | moments,
            "remediation": st.sampled_from(["in_review", "succeeded", "rejected", "failed"]),
            "assessments": st.lists(assessments, max_size=3),
            "decided": st.lists(moments, max_size=2),
            "plan": st.sampled_from(["open", "signed", "claimed", "void"]),
            "run": st.none()
            | st.tuples(
                st.sampled_from(["workers", "manual"]),
                st.sampled_from(["running", "succeeded", "rolled_back", "failed"]),
                st.none() | moments,
            ),
            "feedback": st.lists(answers, max_size=2),
        }
    ),
    max_size=6,
)
standings = st.lists(st.tuples(st.sampled_from(SLUGS), st.booleans(), st.integers(0, 9), st.integers(0, 9)), max_size=4)


@pytest.fixture
def world(db: None) -> dict[str, Any]:
    categories = {slug: Category.objects.create(slug=slug, name=slug.title()) for slug in SLUGS}
    return {"categories": categories, "people": [Person.objects.create_user(name) for name in ("alice", "bob")]}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories=stories, standings=standings, visible=st.sets(st.sampled_from(SLUGS)))
def test_figures_agree_with_a_count_by_hand(
    world: dict[str, Any], stories: list[dict[str, Any]], standings: list[Any], visible: set[str]
) -> None:
    with transaction.atomic():
        for number, story in enumerate(stories):
            _tell(number, story, world)
        for number, (slug, is_eligible, executed, succeeded) in enumerate(standings):
            Pattern.objects.create(
                category=world["categories"][slug],
                signature=f"s{number}",
                title="t",
                key_terms=[],
                created_at=UNTIL,
                is_eligible=is_eligible,
                executed_count=executed,
                succeeded_count=min(executed, succeeded),
            )
        categories = [category for slug, category in world["categories"].items() if slug in visible]
        for found, by_hand in (
            (stats.reliability(categories, PERIOD), _quality),
            (stats.auto_remediation(categories, PERIOD), _autonomy),
        ):
            assert found.overall == pytest.approx(by_hand(visible))
            for slug in visible:
                assert found.by_category[slug] == pytest.approx(by_hand({slug}))
            assert set(found.by_category) == visible
        transaction.set_rollback(True)


def test_a_period_without_data_gives_nulls_for_every_rate(world: dict[str, Any]) -> None:
    client = caller(person("olga", sees=list(world["categories"].values())))
    for name in ("reliability", "auto-remediation"):
        body = client.get(f"{V1}/stats/{name}?days=7").json()
        rates = {key for key in body if key.endswith(("_rate", "_accuracy")) or key.startswith("average_")}
        assert rates
        assert {body[key] for key in rates} == {None}
        assert {row[key] for row in body["by_category"] for key in rates} == {None}
        assert body["days"] == 7


def test_only_what_a_person_may_see_is_counted_in_a_constant_number_of_queries(world: dict[str, Any]) -> None:
    at = timezone.now() - timedelta(days=1)
    olga = person("olga", sees=[world["categories"]["network"]])
    story = {
        "ticket": "resolved",
        "finished_at": at,
        "remediation": "succeeded",
        "assessments": [],
        "decided": [],
        "plan": "open",
        "run": None,
        "feedback": [],
    }
    client = caller(olga)
    counts = []
    for number in range(4):
        _tell(2 * number, {**story, "slug": "network"}, world)
        _tell(2 * number + 1, {**story, "slug": "storage", "ticket": "failed"}, world)
        with statements() as captured:
            body = client.get(f"{V1}/stats/reliability").json()
        counts.append(len(captured))
    assert (body["tickets_finished"], body["resolution_rate"]) == (4, 1.0)
    assert [row["category"] for row in body["by_category"]] == ["network"]
    assert len(set(counts[1:])) == 1


def _tell(number: int, story: dict[str, Any], world: dict[str, Any]) -> None:
    """Rows of one ticket from beginning to end; the states need not follow from each other."""
    category, people = world["categories"][story["slug"]], world["people"]
    ticket = Ticket.objects.create(
        key=f"T-{number}",
        title="t",
        description="d",
        category=category,
        status=story["ticket"],
        opened_by=people[0],
        opened_at=UNTIL,
        finished_at=story["finished_at"],
    )
    remediation = Remediation.objects.create(
        ticket=ticket, category=category, severity=3, status=story["remediation"], status_at=UNTIL, created_at=UNTIL
    )
    revision = Revision.objects.create(
        remediation=remediation, number=1, drafter="runbook", content="", digest="", created_at=UNTIL
    )
    zeros = {f"{name}_permille": 0 for name in ("human_validation", "success_history", "pattern_recognition")}
    for values in story["assessments"]:
        Assessment.objects.create(remediation=remediation, moment="draft", level="low", **zeros, **values)
    for at in story["decided"]:
        _decide(remediation, revision, zeros, at)
    merge = _plan(ticket, remediation, stage="merge", status="signed")
    rollout = _plan(ticket, remediation, stage="rollout", status=story["plan"], merge=merge)
    if story["run"]:
        mode, status, ended = story["run"]
        times = {"status_at": UNTIL, "started_at": UNTIL, "finished_at": ended}
        Run.objects.create(remediation=remediation, plan=rollout, mode=mode, status=status, **times)
    for who, values in zip(people, story["feedback"], strict=False):
        Feedback.objects.create(ticket=ticket, person=who, created_at=UNTIL, **values)


def _decide(remediation: Remediation, revision: Revision, zeros: dict[str, int], at: datetime) -> None:
    """A decision in the period; its assessment lies outside, so that it does not count."""
    assessment = Assessment.objects.create(
        remediation=remediation,
        moment="draft",
        level="low",
        overall_permille=0,
        ai_confidence_permille=0,
        at=UNTIL + timedelta(days=1),
        **zeros,
    )
    Decision.objects.create(
        remediation=remediation,
        revision=revision,
        assessment=assessment,
        moment="draft",
        allowed=False,
        requires_approval=True,
        action_type="SAFE_WRITE",
        risk="medium",
        reasoning=[],
        safety_checks=[],
        hard_stops=[],
        limits={},
        shadow={},
        at=at,
    )


def _plan(ticket: Ticket, remediation: Remediation, *, stage: str, status: str, merge: Plan | None = None) -> Plan:
    """A plan that came to its status as plans do: it begins open, and a vote signs it."""
    content = f"{stage} of {ticket.key}"
    makers = [ticket.opened_by_id]
    plan = Plan.objects.create(
        stage=stage,
        subject_kind="drafting.remediation",
        subject_id=remediation.pk,
        ticket_key=ticket.key,
        ticket_id=ticket.pk,
        category=ticket.category,
        risk="safe_write",
        content=content,
        digest=canonical.digest_of(content),
        makers=makers,
        excluded=makers,
        merge_plan=merge,
        valid_until=UNTIL,
        created_at=UNTIL,
        status_at=UNTIL,
    )
    if status in {"signed", "claimed"}:
        signer = Person.objects.exclude(pk__in=makers).earliest("pk")
        Vote.objects.create(
            plan=plan,
            digest=plan.digest,
            excluded=makers,
            person=signer,
            principal=signer,
            door="page",
            at=UNTIL,
            expires_at=UNTIL + timedelta(hours=1),
        )
    for step in {"signed": ["signed"], "claimed": ["signed", "claimed"], "void": ["void"]}.get(status, []):
        Plan.objects.filter(pk=plan.pk).update(status=step)
    plan.refresh_from_db()
    return plan


def _in_period(at: datetime | None) -> bool:
    return at is not None and PERIOD.since <= at < PERIOD.until


def _rate(hits: Iterable[bool]) -> float | None:
    return _mean([1.0 if hit else 0.0 for hit in hits])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _quality(slugs: set[str]) -> dict[str, Any]:
    ends = {"resolved", "failed", "closed", "rejected", "partially_remediated"}
    tickets = [
        ticket
        for ticket in Ticket.objects.select_related("category")
        if ticket.category.slug in slugs and ticket.status in ends and _in_period(ticket.finished_at)
    ]
    last: dict[int, Assessment] = {}
    for row in Assessment.objects.select_related("remediation__category").order_by("id"):
        if row.remediation.category.slug in slugs and _in_period(row.at):
            last[row.remediation_id] = row
    said = [
        row
        for row in Feedback.objects.select_related("ticket__category")
        if row.ticket.category.slug in slugs and _in_period(row.updated_at)
    ]
    confident = [row for row in last.values() if "ai_confidence" not in row.no_data]
    return {
        "average_reliability": _mean([row.overall_permille / 10 for row in last.values()]),
        "average_confidence": _mean([row.ai_confidence_permille / 1000 for row in confident]),
        "tickets_finished": len(tickets),
        "resolution_rate": _rate(_was_resolved(ticket) for ticket in tickets),
        "feedback_count": len(said),
        "positive_rate": _rate(is_positive(row) for row in said),  # type: ignore[arg-type]  # the same three fields
        "negative_rate": _rate(row.feedback_type == "negative" for row in said),
        "average_rating": _mean([row.rating for row in said]),
        "resolution_accuracy": _rate(row.resolution_accurate for row in said if row.resolution_accurate is not None),
    }


def _was_resolved(ticket: Ticket) -> bool:
    has_worked = ticket.remediations.filter(status="succeeded").exists()
    return ticket.status == "resolved" or (ticket.status == "closed" and has_worked)


def _autonomy(slugs: set[str]) -> dict[str, Any]:
    decided = {
        row.remediation_id: row.remediation
        for row in Decision.objects.select_related("remediation__category")
        if row.remediation.category.slug in slugs and _in_period(row.at)
    }
    runs = [
        run
        for run in Run.objects.select_related("remediation__category")
        if run.remediation.category.slug in slugs and run.mode == "workers"
    ]
    ended = [run for run in runs if run.status != "running" and _in_period(run.finished_at)]
    signed = set(
        Plan.objects.filter(stage="rollout", status__in=["signed", "claimed"]).values_list("subject_id", flat=True)
    )
    verdicts = [pk in signed for pk, each in decided.items() if pk in signed or each.status == "rejected"]
    patterns = [row for row in Pattern.objects.select_related("category") if row.category.slug in slugs]
    executed = sum(row.executed_count for row in patterns)
    return {
        "remediations_decided": len(decided),
        "execution_rate": _rate(pk in {run.remediation_id for run in runs} for pk in decided),
        "approval_rate": _rate(verdicts),
        "runs_ended": len(ended),
        "success_rate": _rate(run.status == "succeeded" for run in ended),
        "patterns": len(patterns),
        "eligible_patterns": sum(row.is_eligible for row in patterns),
        "pattern_success_rate": sum(row.succeeded_count for row in patterns) / executed if executed else None,
    }
