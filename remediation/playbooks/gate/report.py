"""Says what the gate found: for people, for programs, and as annotations of a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from remediation.playbooks.gate.shapes import RULESET, Finding, Marked


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out for one role; `folder` is where it was read from."""

    folder: str
    name: str
    findings: tuple[Finding, ...]
    review: tuple[Marked, ...]


def text(roles: Iterable[Checked]) -> str:
    """One finding a paragraph, the mend below it."""
    lines: list[str] = []
    for role in roles:
        for each in role.findings:
            lines += [f"{role.folder}/{each.file}:{each.line}: {each.rule}: {each.text}", f"    {each.mend}"]
        verdict = f"{len(role.findings)} to mend" if role.findings else "passed"
        lines.append(f"{role.folder}: {verdict}, {len(role.review)} to confirm (rules of {RULESET})")
    return "\n".join(lines)


def as_json(roles: Iterable[Checked]) -> str:
    """Everything, for programs."""
    return json.dumps({"ruleset": RULESET, "roles": [asdict(role) for role in roles]}, indent=2, sort_keys=True)


def github(roles: Iterable[Checked]) -> str:
    """Workflow commands: an error for each finding, a notice for each task that somebody has to confirm."""
    lines: list[str] = []
    for role in roles:
        for each in role.findings:
            place = f"file={_value(f'{role.folder}/{each.file}')},line={each.line},title={_value(each.rule)}"
            lines.append(f"::error {place}::{_message(f'{each.text} {each.mend}')}")
        for row in role.review:
            place = f"file={_value(f'{role.folder}/{row.file}')},line={row.line},title=review"
            lines.append(f"::notice {place}::{_message(f'{row.task}: {row.why}')}")
    return "\n".join(lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


FORMATS = {"text": text, "json": as_json, "github": github}
