"""The book of plays: what was asked is played once, by whoever has the newest fence, and never forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from remediation.connectors.probes import Outcome
from remediation.playbooks import book
from remediation.playbooks.book import Request
from remediation.playbooks.models import Play
from remediation.playbooks.shapes import Kind, State, TaskResult, Thing
from remediation.playbooks.shapes import Outcome as Done
from remediation.playbooks.states import PlayStatus

pytestmark = pytest.mark.django_db

AT = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
ROLE = "a" * 64
APPLY = Request("run-1-step-1-x", 3, Play.Kind.APPLY, "log-ship-1", ROLE)
BEFORE = State((Thing("file", "/etc/logrotate.conf", "0644 root:root"),))


def begun(request: Request = APPLY, *, at: datetime = AT) -> Play:
    play = book.begin(request, at=at)
    assert isinstance(play, Play)
    return play


def state_of(key: str, *, at: datetime = AT) -> str:
    return str(book.status_of(key, at=at).data["state"])


def test_a_request_is_played_once_and_then_answered_from_the_book() -> None:
    book.end(begun(), PlayStatus.DONE, says="Applied.", at=AT)
    again = book.begin(APPLY, at=AT)
    assert again == Outcome(ok=True, text="Applied.")
    assert Play.objects.count() == 1


def test_whoever_was_replaced_comes_too_late() -> None:
    begun()
    late = book.begin(replace(APPLY, key="run-0-step-1-y", fence=2), at=AT)
    assert isinstance(late, Outcome)
    assert late.error == "log-ship-1 was taken over under fence 3; 2 comes too late."
    assert not Play.objects.filter(key="run-0-step-1-y").exists()


def test_a_raised_fence_ends_the_play_of_the_one_before() -> None:
    play = begun()
    assert book.beat(play, at=AT + timedelta(seconds=5))
    assert book.raise_fence("log-ship-1", 4) == ""
    assert not book.beat(play, at=AT + timedelta(seconds=10))
    assert book.raise_fence("log-ship-1", 3).endswith("3 comes too late.")


@pytest.mark.parametrize(("seconds", "state"), [(0, "in_progress"), (14, "in_progress"), (16, "failed")])
def test_a_play_without_a_word_from_its_worker_has_failed_in_the_middle(seconds: int, state: str) -> None:
    begun()
    assert state_of(APPLY.key, at=AT + timedelta(seconds=seconds)) == state
    assert state_of("another", at=AT) == "not_performed"


def test_what_a_failed_apply_found_is_what_its_way_back_is_measured_against() -> None:
    play = begun()
    assert book.left_by_failure("log-ship-1", ROLE, at=AT) is None, "it has found nothing yet, so it changed nothing"
    book.remember(play, BEFORE)
    book.end(play, PlayStatus.FAILED, says="A task failed.", at=AT)
    assert book.left_by_failure("log-ship-1", ROLE, at=AT) == BEFORE
    back = begun(replace(APPLY, key="run-1-step-1-x-back", kind=Play.Kind.BACK_OUT))
    book.end(back, PlayStatus.DONE, says="Taken back.", at=AT)
    assert book.left_by_failure("log-ship-1", ROLE, at=AT) is None
    assert book.before_apply("log-ship-1", ROLE) == BEFORE


def test_what_comes_to_a_host_after_a_look_found_it_as_before_was_not_left_by_the_failed_play() -> None:
    play = begun()
    book.remember(play, BEFORE)
    book.settle("log-ship-1", ROLE, at=AT)
    assert book.left_by_failure("log-ship-1", ROLE, at=AT) == BEFORE, "it still goes on"
    book.end(play, PlayStatus.FAILED, says="A task failed.", at=AT)
    book.settle("log-ship-1", ROLE, at=AT)
    assert book.left_by_failure("log-ship-1", ROLE, at=AT) is None
    again = begun(replace(APPLY, key="run-2-step-1-x"))
    book.remember(again, BEFORE)
    book.end(again, PlayStatus.FAILED, says="A task failed.", at=AT)
    assert book.left_by_failure("log-ship-1", ROLE, at=AT) == BEFORE, "it has to be looked for anew"


def test_an_apply_that_ended_before_it_looked_leaves_what_an_earlier_one_did_alone() -> None:
    """Else what a run did weeks ago would pass for what this one left, and be taken back."""
    long_ago = begun()
    book.remember(long_ago, BEFORE)
    book.end(long_ago, PlayStatus.DONE, says="Applied.", at=AT)
    book.end(begun(replace(APPLY, key="run-2-step-1-y")), PlayStatus.FAILED, says="Not reached.", at=AT)
    assert book.left_by_failure("log-ship-1", ROLE, at=AT) is None


@pytest.mark.parametrize(
    ("told", "found"),
    [((Done.RUNNING, Done.OK), BEFORE), ((Done.CHANGED, Done.OK), None), ((Done.OK, Done.RUNNING), None), ((), None)],
)
def test_a_host_is_as_it_was_found_only_if_every_task_said_so(told: tuple[Done, ...], found: State | None) -> None:
    book.remember(begun(), BEFORE)
    for outcome in told:
        book.tell(APPLY.key, TaskResult(Kind.APPLY, "log-ship-1", "Set it", "m", "tasks/main.yml", 2, outcome))
    assert book.left_as_found("log-ship-1", ROLE) == found
