"""`draft_role` as a CI job runs it: a process of its own, no database, the model's key as the only secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from remediation.drafting import roles
from remediation.drafting.protocol import Drafted
from remediation.drafting.runbook_drafter import RunbookDrafter
from remediation.drafting.testing.claude_server import Says, speaking
from remediation.drafting.tests.test_drafting import AT
from remediation.playbooks import incidents

INCIDENT = Path(configured.BASE_DIR) / "portal/dashboard/walkthrough/incident.md"
DAY = date(2026, 11, 20)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in an environment with nothing else in it."""
    command = [sys.executable, "manage.py", "draft_role", *words, "--day", DAY.isoformat()]
    environment = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        command, cwd=configured.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def role_as_answered() -> dict[str, object]:
    """The runbook's role in the form in which the model answers."""
    request = incidents.request_of(INCIDENT.read_text(), day=DAY, hosts=(), category="server")
    answer = RunbookDrafter(lambda: AT).draft(request)
    assert isinstance(answer, Drafted)
    assert answer.draft.role
    whole = answer.draft.model_dump(mode="json")
    kept = ("summary", "facts", "guesses", "rollback_owner", "rollback_minutes", "confidence_percent")
    role = answer.draft.role.model_dump(mode="json") | {name: whole[name] for name in kept}
    return role | {"hosts": ["log-ship-1"], "out_of_scope": []}


def test_a_ci_job_without_a_key_gets_the_role_of_the_runbook(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(str(INCIDENT), "--out", str(out), "--host", "log-ship-1", "--host", "log-ship-2")
    assert done.returncode == 0, done.stderr
    folder = out / "log_hygiene"
    assert "log_hygiene_maxage_days: 14" in (folder / "defaults/main.yml").read_text()
    assert all((folder / path).is_file() for path in roles.REQUIRED)
    readme = (out / "README.md").read_text()
    assert "- Hosts: log-ship-1, log-ship-2" in readme
    assert "- [ ] `tasks/main.yml:" in readme
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.yml")}
    assert f"- Digest: {roles.digest_of('log_hygiene', files)}" in readme


def test_with_the_key_claude_writes_it_and_findings_end_the_job(tmp_path: Path) -> None:
    bad = role_as_answered()
    bad["files"] = [
        {"path": file["path"], "text": file["text"].replace("# REVIEW", "# Note")}
        for file in bad["files"]  # type: ignore[attr-defined]
    ]
    with speaking(Says(json.dumps({"role": bad, "needs_person": []}))) as server:
        key = "a-key-that-only-this-test-knows"
        done = run(str(INCIDENT), "--out", str(tmp_path / "out"), ANTHROPIC_API_KEY=key, ANTHROPIC_BASE_URL=server.url)
    assert server.keys == [f"Bearer {key}"] * 2
    assert "it is not marked" in server.requests[1]["messages"][-1]["content"]
    assert done.returncode == 1
    assert "tasks/main.yml:" in done.stderr
    assert "it is not marked" in (tmp_path / "out/README.md").read_text()
    assert (tmp_path / "out/log_hygiene/tasks/main.yml").is_file()


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", 2, "at least one entry"),
        ("[02:14] Paged.", 2, "Name them with --host."),
        ("[02:14] root@db-1:~# true", 3, "No runbook fits"),
    ],
)
def test_what_cannot_be_drafted_says_why_and_writes_nothing(
    text: str, code: int, says: str, tmp_path: Path, settings: Settings
) -> None:
    settings.ANTHROPIC_API_KEY = ""
    incident, out = tmp_path / "incident.md", tmp_path / "out"
    incident.write_text(text)
    with pytest.raises(CommandError, match=says) as refused:
        call_command("draft_role", str(incident), out=out, day=DAY)
    assert refused.value.returncode == code
    assert not out.exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    with pytest.raises(CommandError, match="not an empty folder") as refused:
        call_command("draft_role", str(INCIDENT), out=tmp_path)
    assert refused.value.returncode == 2


def test_a_folder_that_cannot_be_made_is_no_finding(tmp_path: Path, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    (tmp_path / "file").write_text("x")
    with pytest.raises(CommandError, match="cannot be written") as refused:
        call_command("draft_role", str(INCIDENT), out=tmp_path / "file" / "role", day=DAY, host=["log-ship-1"])
    assert refused.value.returncode == 2
