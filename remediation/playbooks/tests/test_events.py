"""What the player in the jail tells becomes results of tasks; nothing it says is taken as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from remediation.playbooks.events import CUT, LONGEST_DIFF, Story
from remediation.playbooks.shapes import Kind, Outcome

TOLD = {
    "play": "check",
    "task": "Write the message",
    "module": "ansible.builtin.copy",
    "path": "/job/roles/motd/tasks/main.yml:12",
    "result": "ok",
    "text": "",
    "changed": False,
    "message": "",
    "skips": [],
    "facts": {},
    "state": None,
    "milliseconds": 5,
}


def hear(story: Story, **told: Any) -> None:
    story.hear(json.dumps(TOLD | told))


def test_a_task_is_named_with_its_place_and_its_diff() -> None:
    story = Story("web-1")
    hear(story, result="running")
    hear(story, result="diff", text="--- before\r\n+++ after\r\n+kept\r\n")
    hear(story, changed=True, message="done")
    hear(story)
    first, second = story.tasks
    assert (first.outcome, first.place, first.diff) == (
        Outcome.CHANGED,
        "tasks/main.yml:12",
        "--- before\n+++ after\n+kept",
    )
    assert (second.outcome, second.diff) == (Outcome.OK, "")


@pytest.mark.parametrize(
    ("reason", "condition", "by_check"),
    [
        ("Conditional result was False", "motd_wanted", False),
        ("Conditional result was False", "not ansible_check_mode", True),
        ("No items in the list", "", False),
        ("", "", True),
        ("some new reason", "", True),
    ],
)
def test_what_only_a_check_skips_is_told_from_other_skips(reason: str, condition: str, *, by_check: bool) -> None:
    skip = {"reason": reason, "condition": condition}
    story = Story("web-1")
    hear(story, result="skipped", skips=[skip])
    assert story.tasks[0].is_skipped_by_check == by_check
    real = Story("web-1")
    hear(real, result="skipped", play="apply", skips=[skip])
    assert not real.tasks[0].is_skipped_by_check


def test_secrets_never_leave_and_long_texts_are_cut() -> None:
    story = Story("web-1", known=("the-key-of-the-host",))
    diff = "+password: hunter2hunter2\n+the-key-of-the-host\n" + "+line\n" * LONGEST_DIFF
    hear(story, result="diff", text=diff)
    hear(story, changed=True, message="Authorization: Bearer abcdefghijklmnopqrstuvwxyz012345")
    (task,) = story.tasks
    assert "hunter2" not in task.diff
    assert "the-key-of-the-host" not in task.diff + repr(story)
    assert "abcdefghijklm" not in task.message
    assert task.diff.endswith(CUT)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no json",
        "[]",
        '"text"',
        "{}",
        '{"play": "another", "result": "ok"}',
        "[" * 100_000,
        *(
            json.dumps(TOLD | {"play": "look"} | wrong)
            for wrong in (
                {"result": "bogus"},
                {"path": None},
                {"message": 1},
                {"skips": [{}], "play": "check"},
                {"facts": [1]},
                {"state": [{"kind": "path"}]},
                {"state": 1},
                {"result": "counted", "changed": "many"},
            )
        ),
    ],
)
def test_what_is_no_event_is_left_out(line: str) -> None:
    story = Story("web-1")
    assert story.hear(line) is None
    assert story.tasks == []


def test_a_look_becomes_a_state_and_facts_are_kept_once() -> None:
    story = Story("web-1")
    things = [{"kind": "service", "name": "cron", "state": "loaded active enabled", "length": 0, "prefix": ""}]
    hear(story, play="look", state=things, path="/job/play.yml:3")
    hear(story, facts={"ansible_distribution": "Debian", "ansible_service_mgr": "systemd"})
    assert story.states[0].things[0].name == "cron"
    assert story.tasks[0].kind is Kind.LOOK
    assert story.tasks[0].place == "our own play"
    assert story.facts
    assert (story.facts.distribution, story.facts.service_manager) == ("Debian", "systemd")


def test_a_role_cannot_pass_off_its_own_output_as_a_look() -> None:
    story = Story("web-1")
    hear(
        story, play="apply", state=[{"kind": "path", "name": "/etc/motd", "state": "absent", "length": 0, "prefix": ""}]
    )
    assert story.states == []


@pytest.mark.parametrize("sign", ["\x00", "\udce9"])
def test_what_no_database_takes_is_taken_out(sign: str) -> None:
    story = Story("web-1")
    thing = {"kind": "path", "name": f"/srv/{sign}", "state": f"link to {sign}", "length": 0, "prefix": ""}
    facts = {"ansible_distribution": sign}
    hear(story, play="look", task=f"Look{sign}", state=[thing], message=f"caf{sign}", facts=facts)
    hear(story, result="diff", text=f"+caf{sign}")
    hear(story, changed=True)
    assert repr(sign)[1:-1] not in repr((story.tasks, story.states, story.facts))
    assert story.tasks[0].message[:3] == story.tasks[1].diff[1:4] == "caf"


@pytest.mark.parametrize(("counted", "is_whole"), [(None, False), (0, False), (1, True), (2, False)])
def test_a_story_is_whole_once_every_change_that_was_counted_was_told(counted: int | None, *, is_whole: bool) -> None:
    story = Story("web-1")
    hear(story, changed=True)
    hear(story)
    if counted is not None:
        hear(story, result="counted", changed=counted)
    assert story.is_whole == is_whole
