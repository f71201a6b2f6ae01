"""What is played, and why a play did not end well: from how its program ended and what was told of it."""

from __future__ import annotations

import pytest
import yaml

from remediation.playbooks import plays, playtext
from remediation.playbooks.events import Story
from remediation.playbooks.jailed import Ran
from remediation.playbooks.shapes import Kind, Outcome, Scope, State, TaskResult


def task(kind: Kind, outcome: Outcome = Outcome.OK, message: str = "") -> TaskResult:
    return TaskResult(kind, "web-1", "Write", "ansible.builtin.copy", "tasks/main.yml", 3, outcome, message=message)


LOOKED, CHANGED = task(Kind.LOOK), task(Kind.APPLY, Outcome.CHANGED)
FAILED = task(Kind.APPLY, Outcome.FAILED, "\nno room\nat all")
WELL, BADLY = (Ran(status, "", 1, "", is_stopped=False) for status in (0, 2))
LOST = task(Kind.APPLY, Outcome.UNREACHABLE, "timed out")


@pytest.mark.parametrize(
    ("tasks", "looks", "counted", "ended", "says"),
    [
        ([LOOKED, CHANGED], 1, 1, WELL, ""),
        ([LOOKED, CHANGED], 1, 1, Ran(-9, "", 1, "It was stopped.", is_stopped=True), "It was stopped."),
        ([LOOKED, FAILED], 1, 0, BADLY, "“Write” failed (tasks/main.yml:3): no room"),
        ([LOOKED, LOST], 1, 0, BADLY, "The host could not be reached. timed out"),
        ([LOOKED], 1, None, BADLY, "Ansible ended with status 2: it says nothing"),
        ([LOOKED], 1, 0, WELL, "Nothing was played for apply."),
        ([LOOKED, CHANGED], 0, 1, WELL, plays.NOT_TOLD),
        ([LOOKED, CHANGED], 2, 1, WELL, plays.NOT_TOLD),
        ([LOOKED, CHANGED], 1, 2, WELL, plays.NOT_TOLD),
        ([LOOKED, CHANGED], 1, None, WELL, plays.NOT_TOLD),
    ],
)
def test_a_play_has_ended_well_only_if_all_of_it_was_told(
    tasks: list[TaskResult], looks: int, counted: int | None, ended: Ran, says: str
) -> None:
    story = Story("web-1", tasks=tasks, states=[State(())] * looks, counted=counted)
    assert plays.error_of(ended, story, (Kind.LOOK, Kind.APPLY)) == says


def test_nothing_of_a_role_is_played_before_what_was_seen_is_kept() -> None:
    kinds = (Kind.LOOK, Kind.APPLY, Kind.LOOK, Kind.APPLY)
    text = playtext.plays_of("motd", kinds, scope=Scope(), before=None, waits_for=plays.KEPT)
    looked, applied, *later = yaml.safe_load(text)
    (wait,) = applied["pre_tasks"]
    assert plays.KEPT in wait["ansible.builtin.assert"]["that"]
    assert (wait["until"], wait["register"]) == (f"{wait['register']} is succeeded", wait["register"])
    assert all("pre_tasks" not in play for play in (looked, *later))
    assert "pre_tasks" not in playtext.plays_of("motd", kinds, scope=Scope(), before=None)
