"""Tickets find their pattern, observations count once, and the figures are always what the occurrences add up to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import reads, services
from patterns.models import Exemplar, Occurrence, Pattern
from patterns.services import FIGURES, Placed, Wording
from patterns.standing import Standing, standing_of
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate.models import Category
from portal.jobs import services as jobs
from portal.jobs.testing import drain
from portal.kit.actors import Ref

AT = datetime(2026, 5, 4, 10, tzinfo=UTC)
UNDERSCALED = (
    "Payments pods unhealthy, secondary pool under-scaled",
    "payments_pods_unhealthy: the secondary pool is too small.",
)
OTHER_WORDS = (
    "payments deployment has too few replicas",
    "2 pods cannot carry the traffic, requests queue, latency p99 is 8 s, scale it up.",
)
CRASHING = ("Pods crash looping", "Restart count of the cart pod is at 50, back-off restarting failed container.")


@pytest.fixture
def kubernetes(db: None) -> Category:
    return Category.objects.create(slug="kubernetes", name="Kubernetes")


def place(category: Category, number: int, words: tuple[str, str] = UNDERSCALED, *, at: datetime = AT) -> Placed:
    ticket = Ref("tickets.ticket", number, f"INC-{number}")
    return services.place(Wording(ticket, category, *words, environment="production"), at=at)


def ran(pattern: Pattern, number: int, *, ticket: int = 1, succeeded: bool = True, at: datetime = AT) -> None:
    services.observe_run(
        pattern_id=pattern.pk,
        ticket=Ref("tickets.ticket", ticket, f"INC-{ticket}"),
        run_id=number,
        succeeded=succeeded,
        action="scale_deployment",
        environment="production",
        at=at,
    )


def said(
    pattern: Pattern, *, ticket: int = 1, by: int = 7, rating: int = 5, at: datetime = AT, **more: Any
) -> tuple[Standing, Standing]:
    fields = {"feedback_type": "positive", "resolution_accurate": None, "actions_worked": None, **more}
    answer = services.Answer(
        ticket=Ref("tickets.ticket", ticket, f"INC-{ticket}"), person_id=by, rating=rating, **fields
    )
    return services.observe_feedback(pattern_id=pattern.pk, answer=answer, reliability_permille=800, at=at)


def figures(pattern: Pattern) -> dict[str, Any]:
    pattern.refresh_from_db()
    return {name: getattr(pattern, name) for name in FIGURES}


# --- finding the pattern


def test_the_first_ticket_of_its_kind_founds_a_pattern(kubernetes: Category) -> None:
    placed = place(kubernetes, 1)
    assert placed.similarity is None
    assert placed.pattern.title == UNDERSCALED[0]
    assert Event.objects.get(kind="pattern.found").ticket_key == "INC-1"
    assert Exemplar.objects.get().pattern == placed.pattern


def test_the_same_wording_with_other_particulars_is_the_same_signature(kubernetes: Category) -> None:
    first = place(kubernetes, 1, ("Disk 98% full on log-3", "At 12:31 /var/log had 98% of 20 GB."))
    second = place(kubernetes, 2, ("Disk 91% full on log-7", "At 03:10 /var/lib had 91% of 40 GB."))
    assert second == Placed(first.pattern, 100)
    assert Exemplar.objects.count() == 1


def test_a_differently_worded_ticket_of_the_same_kind_finds_the_pattern(kubernetes: Category) -> None:
    first = place(kubernetes, 1)
    second = place(kubernetes, 2, OTHER_WORDS)
    assert second.pattern == first.pattern
    assert second.similarity is not None
    assert 60 <= second.similarity < 100
    assert Exemplar.objects.filter(pattern=first.pattern).count() == 2


def test_another_kind_or_another_category_is_another_pattern(kubernetes: Category) -> None:
    network = Category.objects.create(slug="network", name="Network")
    found = [place(kubernetes, 1), place(kubernetes, 2, CRASHING), place(network, 3)]
    assert len({placed.pattern.pk for placed in found}) == 3
    assert all(placed.similarity is None for placed in found)


def test_placing_the_same_ticket_again_adds_nothing(kubernetes: Category) -> None:
    pattern = place(kubernetes, 1).pattern
    place(kubernetes, 1)
    drain("general")
    pattern.refresh_from_db()
    assert Occurrence.objects.count() == 1
    assert pattern.occurrences == 1


def test_exemplars_are_bounded(kubernetes: Category) -> None:
    things = [
        "api",
        "cart",
        "search",
        "login",
        "mail",
        "stock",
        "price",
        "order",
        "refund",
        "invoice",
        "report",
        "export",
    ]
    more = [
        "import",
        "audit",
        "chat",
        "video",
        "image",
        "queue",
        "batch",
        "proxy",
        "metrics",
        "backup",
        "billing",
        "geo",
    ]
    for number, thing in enumerate(things + more):
        place(kubernetes, number, (f"Secondary pool of {thing} under-scaled", f"The pods of {thing} are too few."))
    (pattern,) = Pattern.objects.all()
    drain("general")
    pattern.refresh_from_db()
    assert pattern.occurrences == 24
    assert pattern.exemplars.count() == services.MOST_EXEMPLARS


def test_two_workers_at_once_found_one_pattern(committed_db: str) -> None:
    kubernetes = Category.objects.create(slug="kubernetes", name="Kubernetes")

    def work(number: int) -> int:
        try:
            return place(kubernetes, number).pattern.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as pool:
        found = set(pool.map(work, range(16)))
    (pattern,) = Pattern.objects.all()
    assert found == {pattern.pk}
    assert pattern.occurrences == 16
    assert Event.objects.filter(kind="pattern.found").count() == 1


# --- observing


def test_a_run_counts_once_however_often_it_is_delivered(kubernetes: Category) -> None:
    pattern = place(kubernetes, 1).pattern
    for _ in range(3):
        ran(pattern, 1)
    ran(pattern, 2, succeeded=False)
    now = figures(pattern)
    assert (now["executed_count"], now["succeeded_count"]) == (2, 1)


def test_an_answer_counts_once_and_a_changed_one_replaces_it(kubernetes: Category) -> None:
    pattern = place(kubernetes, 1).pattern
    said(pattern, rating=5)
    said(pattern, rating=5)
    said(pattern, rating=4, by=8)
    assert figures(pattern)["average_rating_hundredths"] == 450
    said(pattern, rating=1, feedback_type="negative", at=AT + timedelta(minutes=1))
    now = figures(pattern)
    assert (now["feedback_count"], now["positive_permille"], now["average_rating_hundredths"]) == (2, 500, 250)
    assert Occurrence.objects.filter(kind="feedback").count() == 3


def test_an_answer_tells_how_it_shifts_the_standing_also_when_it_is_learned_late(kubernetes: Category) -> None:
    pattern = place(kubernetes, 1).pattern
    said(pattern, by=8, rating=5)
    said(pattern, by=7, rating=3, actions_worked=False)
    said(pattern, by=9, rating=1, at=AT + timedelta(minutes=1))
    before, after = said(pattern, by=7, rating=3, actions_worked=False)
    assert (before.feedback_count, before.positive_rate, before.average_rating) == (1, 100.0, 5.0)
    assert (after.feedback_count, after.positive_rate, after.average_rating) == (2, 50.0, 4.0)


def test_becoming_eligible_and_losing_it_are_events(kubernetes: Category) -> None:
    pattern = place(kubernetes, 1).pattern
    for number in range(1, 6):
        place(kubernetes, number)
        ran(pattern, number, ticket=number)
        services.observe_feedback(
            pattern_id=pattern.pk,
            answer=services.Answer(Ref("tickets.ticket", number, f"INC-{number}"), 7, "positive", 5, None, None),
            reliability_permille=900,
            at=AT,
        )
    assert figures(pattern)["is_eligible"] is True
    ran(pattern, 6, ticket=5, succeeded=False)
    now = figures(pattern)
    assert now["is_eligible"] is False
    assert now["reasons"] == ["83.3% success of executed remediations, at least 85% asked for."]
    changes = Event.objects.filter(kind="pattern.eligibility_changed").order_by("id")
    assert [audit.body_of(event)["is_eligible"] for event in changes] == [True, False]


# --- folding again

deeds = st.one_of(
    st.tuples(st.just("seen"), st.integers(1, 4)),
    st.tuples(st.just("ran"), st.integers(1, 6), st.integers(1, 4), st.booleans()),
    st.tuples(
        st.just("said"), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.sampled_from([None, False, True])
    ),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(deeds, max_size=12))
def test_the_figures_kept_on_the_way_are_those_of_a_fold_of_everything(
    kubernetes: Category, deeds: list[tuple[Any, ...]]
) -> None:
    Occurrence.objects.all().delete()
    pattern = place(kubernetes, 1).pattern
    for minute, deed in enumerate(deeds):
        at = AT + timedelta(minutes=minute)
        if deed[0] == "seen":
            place(kubernetes, deed[1], at=at)
        elif deed[0] == "ran":
            ran(pattern, deed[1], ticket=deed[2], succeeded=deed[3], at=at)
        else:
            said(pattern, ticket=deed[1], by=deed[2], rating=deed[3], actions_worked=deed[4], at=at)
    drain("general")
    kept = figures(pattern)
    assert services.refold(pattern.pk, at=AT) is False
    standing = standing_of(services._facts(pattern), services.thresholds())
    assert kept == figures(pattern)
    assert (kept["occurrences"], kept["feedback_count"]) == (standing.occurrences, standing.feedback_count)
    assert (kept["executed_count"], kept["succeeded_count"]) == (standing.executed, standing.succeeded)
    Pattern.objects.update(
        occurrences=99, succeeded_count=99, is_eligible=True, reasons=[], average_rating_hundredths=1
    )
    assert services.refold(pattern.pk, at=AT) is True
    assert figures(pattern) == kept


@pytest.fixture
def tampered(kubernetes: Category) -> Pattern:
    """A pattern whose figures somebody improved by hand, beside one whose figures are right."""
    place(kubernetes, 9, CRASHING)
    pattern = place(kubernetes, 1).pattern
    ran(pattern, 1, succeeded=False)
    drain("general")
    Pattern.objects.filter(pk=pattern.pk).update(succeeded_count=1, is_eligible=True, reasons=[])
    return pattern


def test_the_command_puts_tampered_figures_right_and_says_so(tampered: Pattern) -> None:
    said_by = StringIO()
    call_command("rebuild_patterns", stdout=said_by)
    assert said_by.getvalue().splitlines() == [
        f"{tampered.pk} {tampered.title}: the figures were put right.",
        "2 patterns rebuilt, 1 had to be put right.",
    ]
    assert (figures(tampered)["succeeded_count"], figures(tampered)["is_eligible"]) == (0, False)
    again = StringIO()
    call_command("rebuild_patterns", stdout=again)
    assert again.getvalue() == "2 patterns rebuilt, 0 had to be put right.\n"


def test_the_nightly_job_does_the_same(tampered: Pattern) -> None:
    jobs.enqueue("patterns.rebuild", at=timezone.now())
    assert drain("general") == ["patterns.rebuild: 1 patterns had figures to put right."]
    assert figures(tampered)["succeeded_count"] == 0


def test_feedback_of_more_than_a_year_ago_counts_as_none(kubernetes: Category) -> None:
    pattern = place(kubernetes, 1).pattern
    said(pattern, ticket=1, at=AT - reads.WINDOW)
    assert reads.feedback_of_pattern(pattern.pk, AT) == []
    said(pattern, ticket=2, at=AT - reads.WINDOW + timedelta(seconds=1))
    assert len(reads.feedback_of_category(kubernetes.pk, AT)) == 1


# --- who may do what


def test_drafting_places_and_the_general_cluster_learns(committed_db: str, running_as: Callable[[str], Any]) -> None:
    kubernetes = Category.objects.create(slug="kubernetes", name="Kubernetes")
    with running_as("drafting"):
        pattern = place(kubernetes, 1).pattern
        place(kubernetes, 2, OTHER_WORDS)
        with pytest.raises(ProgrammingError, match="row-level security"):
            ran(pattern, 1)
        with pytest.raises(ProgrammingError, match="row-level security"):
            Pattern.objects.create(
                signature="0" * 64, category=kubernetes, title="Trust me", is_eligible=True, created_at=AT
            )
    with running_as("general"):
        ran(pattern, 1)
        said(pattern)
        services.refold(pattern.pk, at=AT)
    now = figures(pattern)
    assert (now["occurrences"], now["executed_count"], now["feedback_count"]) == (2, 1, 1)


@pytest.mark.parametrize("role", ["web", "drafting", "probe", "execution", "general"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE patterns_occurrence SET succeeded = true",
        "DELETE FROM patterns_occurrence",
        "TRUNCATE patterns_occurrence",
    ],
)
def test_nobody_rewrites_what_happened(committed_db: str, as_role: Callable[[str], Any], role: str, sql: str) -> None:
    with as_role(role) as cluster, pytest.raises(psycopg.errors.InsufficientPrivilege):
        cluster.execute(sql)


@pytest.mark.parametrize("role", ["web", "probe", "execution"])
def test_the_others_only_read_patterns(committed_db: str, as_role: Callable[[str], Any], role: str) -> None:
    with as_role(role) as process:
        assert process.execute("SELECT count(*) FROM patterns_pattern").fetchone() == (0,)
        for sql in ("UPDATE patterns_pattern SET is_eligible = true", "DELETE FROM patterns_pattern"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                process.execute(sql)
