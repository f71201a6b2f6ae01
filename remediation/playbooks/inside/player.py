"""Runs inside the jail: plays one playbook with ansible-runner and prints what happens, one JSON object a line.

Only what the product shows leaves the jail, and never more than so many characters of one text.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from typing import Any

import ansible_runner

LONGEST = 60_000
JOB = secrets.randbits(62)
"""Events come between marks in what Ansible prints, and a host or a role could print such marks too: only Ansible's own
events carry this number."""
SETTINGS = {
    "JOB_ID": str(JOB),
    "MAX_EVENT_RES": str(sys.maxsize),  # else nothing is told of a long result, not even that it changed something
    "ANSIBLE_HOST_KEY_CHECKING": "True",  # else ansible-runner switches it off
}
MARK = json.dumps("\x1b[K")[1:-1]
HIDDEN = "[not shown: it has marks in it that steer a terminal]\n"
RESULTS = {
    "runner_on_start": "running",
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_skipped": "skipped",
    "runner_on_unreachable": "unreachable",
    "runner_on_file_diff": "diff",
    "playbook_on_stats": "counted",
}
FACTS = (
    "ansible_distribution",
    "ansible_distribution_version",
    "ansible_python_version",
    "ansible_service_mgr",
    "ansible_architecture",
)


def told(event: dict[str, Any]) -> dict[str, Any] | None:
    """What leaves the jail of one event; None for one that nobody shows."""
    result = RESULTS.get(event.get("event", ""))
    data = event.get("event_data") or {}
    if result is None or event.get("job_id") != JOB:
        return None
    if result == "counted":
        return {"result": result, "changed": sum(data["changed"].values())}
    outcome = data.get("res") or (_printed(event) if result == "skipped" else {})
    told = {
        "result": result,
        "play": data.get("play", ""),
        "task": data.get("task", ""),
        "module": data.get("resolved_action") or data.get("task_action", ""),
        "path": data.get("task_path", ""),
        "text": _diff(event, data) if result == "diff" else "",
        "milliseconds": round(1000 * (data.get("duration") or 0)),
    }
    return {**told, **_result(outcome, result)} if result in ("ok", "failed", "skipped", "unreachable") else told


def _diff(event: dict[str, Any], data: dict[str, Any]) -> str:
    """What a task changes, as Ansible prints it. The mark of an event in it would cut it short."""
    return HIDDEN if MARK in json.dumps(data.get("diff")) else event.get("stdout", "")[:LONGEST]


def _printed(event: dict[str, Any]) -> dict[str, Any]:
    """The result of a task that was skipped: ansible-runner leaves it out of the event, but `-v` prints it."""
    found: Any = {}
    with contextlib.suppress(ValueError):
        found = json.loads(event.get("stdout", "").partition(" => ")[2])
    return found if isinstance(found, dict) else {}


def _result(outcome: dict[str, Any], result: str) -> dict[str, Any]:
    """How a module ended: what it says, whether it changed something, why it or one of its items was skipped."""
    items = [item for item in outcome.get("results") or () if isinstance(item, dict)]
    facts = outcome.get("ansible_facts") or {}
    return {
        "changed": bool(outcome.get("changed")),
        "message": _message(outcome, items),
        "skips": [_skip(one) for one in items or [outcome] if one.get("skipped") or result == "skipped"],
        "facts": {name: str(facts[name]) for name in FACTS if name in facts},
        "state": outcome.get("countersign_state"),
    }


def _message(outcome: dict[str, Any], items: list[dict[str, Any]]) -> str:
    bad = next((item for item in items if item.get("failed")), outcome)
    parts = [str(bad.get(name) or "").strip() for name in ("msg", "stderr", "module_stderr", "stdout")]
    return "\n".join(part for part in parts if part)[:LONGEST]


def _skip(outcome: dict[str, Any]) -> dict[str, str]:
    return {
        "reason": str(outcome.get("skip_reason") or outcome.get("skipped_reason") or ""),
        "condition": str(outcome.get("false_condition") or ""),
    }


def show(event: dict[str, Any]) -> bool:
    """Print an event; ansible-runner need not write it down."""
    if (line := told(event)) is not None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    return False


def main() -> int:
    """Play /job/play.yml on the host that the first argument names; what follows goes to ansible-playbook."""
    host, *options = sys.argv[1:]
    os.environ |= SETTINGS
    run = ansible_runner.run(
        private_data_dir="/tmp",  # noqa: S108 - memory of the jail
        binary="/job/ansible-playbook",
        inventory="/job/inventory.yml",
        limit=host,
        cmdline=" ".join([*options, "/job/play.yml"]),
        quiet=True,
        settings={"suppress_output_file": True},  # it forgets them where it may not write them into a file
        event_handler=show,
    )
    return 1 if run.rc is None else int(run.rc)  # none: a signal ended it


if __name__ == "__main__":
    sys.exit(main())
