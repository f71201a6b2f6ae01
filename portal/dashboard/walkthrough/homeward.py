"""The third incident of the walk: from the notes of a night to a role that is proven, merged by a person, and run."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from django.utils import timezone

from portal.dashboard.walkthrough import incidents
from portal.dashboard.walkthrough.site import Api
from portal.dashboard.walkthrough.tour import (
    Cast,
    DidNotHappen,
    Say,
    open_ticket,
    sign,
    tell_run,
    until,
    until_planned,
)
from portal.kit.plurals import counted

PATIENCE_SECONDS = 600.0
MERGER = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
SHOWN = 4
HOSTS = 2
"""How many hosts get the role: each is checked, changed twice and looked at again, which takes its time."""


def carry_home(cast: Cast, incident: dict[str, Any], say: Say, *, repository: str) -> None:
    """Draft, gates, proof, pull request, merge and run of a role on the hosts of the lab."""
    key = prove(cast, incident, say)
    _merge(cast.reviewer, key, repository, say)
    sign(cast.rollout_approver, key, "rollout", say)
    sign(cast.second_approver, key, "rollout", say)
    until(cast.engineer, key, "resolved", seconds=PATIENCE_SECONDS)
    tell_run(cast.engineer, key, say)


def prove(cast: Cast, incident: dict[str, Any], say: Say) -> str:
    """As far as the proof on the canary; the key of its ticket, whose rollout waits for approvers."""
    key = open_ticket(cast, incident, say)
    until(cast.engineer, key, "awaiting_review")
    ticket = _planned(cast.engineer, key, "merge")
    role = ticket["revision"]["draft"]["role"]
    size = counted(len(role["files"]), "file")
    say(f"   drafted   the role {role['name']}, {size}, by the {ticket['drafter']} drafter")
    _show_stopped(cast, ticket, say)
    _look_again(cast.engineer, ticket, say)
    _confirm(cast, key, say)
    sign(cast.merge_approver, key, "merge", say)
    _planned(cast.engineer, key, "rollout")
    say("   proven    on its canary: applied, a second run changed nothing, taken back, and all is as before")
    return key


def _show_stopped(cast: Cast, ticket: dict[str, Any], say: Say) -> None:
    """The well-known role for this incident comes no further than the gates; then the drafted one is put back."""
    key, good = ticket["ticket_id"], ticket["revision"]
    files = [{"path": path, "text": text} for path, text in sorted(incidents.broken_role().items())]
    broken = good["draft"] | {"role": good["draft"]["role"] | {"files": files}}
    said = cast.reviewer.post(f"/tickets/{key}/revisions", {"base_digest": good["digest"], "draft": broken})
    findings = _findings(cast.reviewer, key, said["digest"])
    say(
        f"   stopped   the well-known role for this: {counted(len(findings), 'finding')} before any Ansible program ran"
    )
    for finding in findings[:SHOWN]:
        say(f"             {finding['place'].removeprefix('role/')}: {finding['text']}")
    narrowed = _narrowed(good["draft"])
    cast.reviewer.post(f"/tickets/{key}/revisions", {"base_digest": said["digest"], "draft": narrowed})
    say(f"   restored  the drafted role, for {' and '.join(narrowed['scope']['systems'])} to begin with")


def _narrowed(draft: dict[str, Any]) -> dict[str, Any]:
    """The draft for fewer of its hosts."""
    systems = draft["scope"]["systems"][:HOSTS]
    return draft | {"steps": draft["steps"][:HOSTS], "scope": draft["scope"] | {"systems": systems}}


def _look_again(api: Api, ticket: dict[str, Any], say: Say) -> None:
    """The night is over: what the draft cites is looked at once more before anybody signs."""
    cited = ticket["revision"]["draft"]["facts"][0]["evidence"][0]
    seen = {"kind": "command", "command": "df -h /var/log", "text": "/var/log 91% on log-ship-1", "refreshes": cited}
    now = timezone.now().isoformat()
    api.post(f"/tickets/{ticket['ticket_id']}/evidence", {"evidence": [seen | {"observed_at": now}]})
    say(f"   looked    again at what {cited} says: still so")


def _findings(api: Api, key: str, digest: str) -> list[dict[str, Any]]:
    """What the gate of roles found in the newest revision."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        ticket = api.get(f"/tickets/{key}")
        gates = {gate["gate"]: gate for gate in ticket["gates"]} if ticket["revision"]["digest"] == digest else {}
        if "role" in gates and not gates["role"]["has_passed"]:
            return list(gates["role"]["findings"])
        time.sleep(0.1)
    raise DidNotHappen(f"The gates of {key} did not stop the well-known role.")


def _confirm(cast: Cast, key: str, say: Say) -> None:
    revision = cast.reviewer.get(f"/tickets/{key}")["revision"]
    checklist = until_planned(cast.reviewer, key, revision["digest"], seconds=PATIENCE_SECONDS)["checklist"]
    for item in checklist:
        cast.reviewer.post(f"/tickets/{key}/ticks", {"item": item["item"]})
    say(f"   gates     passed, ansible-lint in its jail among them; {counted(len(checklist), 'REVIEW item')} confirmed")


def _planned(api: Api, key: str, stage: str) -> dict[str, Any]:
    """The ticket once its plan of this stage is open."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        ticket = api.get(f"/tickets/{key}")
        if ticket["plan"] and ticket["plan"]["stage"] == stage:
            return ticket
        time.sleep(0.2)
    raise DidNotHappen(f"{key} has no {stage} plan after {PATIENCE_SECONDS:.0f} s: {ticket['status_reason']}")


def _merge(api: Api, key: str, repository: str, say: Say) -> None:
    """What a person does in the role repository: look at the branch, and merge it. The product cannot."""
    request = _request(api, key)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "roles"
        _git(folder, "clone", "--quiet", repository, str(work))
        _git(work, "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{request['branch']}")
        _git(work, "push", "--quiet", "origin", "HEAD")
    say(f"   merged    {request['branch']} into the demonstration's role repository, with git, as a person does")
    api.post(f"/tickets/{key}/pull-request/look", {})


def _request(api: Api, key: str) -> dict[str, Any]:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        request = api.get(f"/tickets/{key}/pull-request")
        if request["status"] == "open":
            return request
        time.sleep(0.2)
    raise DidNotHappen(f"The pull request of {key} is {request['status']}: {request['detail']}")


def _git(where: str | Path, *words: str) -> None:
    command = ["git", "-c", "user.name=Omar", "-c", "user.email=omar@example.com", *words]
    done = subprocess.run(command, cwd=where, env=os.environ | MERGER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DidNotHappen(f"git {words[0]}: {done.stderr.strip()}")
