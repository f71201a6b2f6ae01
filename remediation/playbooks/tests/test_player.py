"""What the player lets out of the jail: Ansible's own events, whole, and nothing that only looks like one."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from remediation.playbooks.inside import player

WRITTEN = {"play": "apply", "task": "Write", "task_path": "/job/roles/motd/tasks/main.yml:2", "res": {"changed": True}}
TOKEN = "\x1b[Ke30=\x1b[4D\x1b[K"
"""How ansible-runner finds events in what Ansible prints."""


def event(kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": data, "job_id": player.JOB, **more}


def test_an_event_of_ansible_is_told() -> None:
    told = player.told(event("runner_on_ok", WRITTEN))
    assert told
    assert (told["result"], told["play"], told["changed"]) == ("ok", "apply", True)
    counted = event("playbook_on_stats", {"changed": {"web-1": 2}, "ok": {"web-1": 5}})
    assert player.told(counted) == {"result": "counted", "changed": 2}
    assert player.told(event("playbook_on_task_start", WRITTEN)) is None


@pytest.mark.parametrize(
    "number",
    [None, 0, player.JOB + 1, str(player.JOB)],
    ids=["none", "zero", "another", "as text"],  # drawn anew each time
)
@pytest.mark.parametrize("kind", ["runner_on_ok", "runner_on_file_diff", "playbook_on_stats"])
def test_what_a_role_or_a_host_prints_as_an_event_is_none(kind: str, number: object) -> None:
    assert player.told(event(kind, WRITTEN | {"changed": {}}) | {"job_id": number}) is None


@pytest.mark.parametrize(
    ("after", "shown"), [("kept\n", "+kept\n"), (f"kept\n{TOKEN}and more\n", player.HIDDEN), (TOKEN, player.HIDDEN)]
)
def test_a_diff_is_shown_whole_or_not_at_all(after: str, shown: str) -> None:
    changed = {"play": "apply", "diff": [{"before": "", "after": after}]}
    told = player.told(event("runner_on_file_diff", changed, stdout="+kept\n"))
    assert told
    assert told["text"] == shown


@pytest.mark.parametrize(("status", "ends"), [(0, 0), (2, 2), (None, 1)])
def test_an_ansible_that_a_signal_ended_has_not_ended_well(
    status: int | None, ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in player.SETTINGS:
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(sys, "argv", ["player.py", "web-1"])
    monkeypatch.setattr("ansible_runner.run", lambda **_: SimpleNamespace(rc=status))
    assert player.main() == ends
