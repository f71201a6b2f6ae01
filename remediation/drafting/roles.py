"""The Ansible role of a draft as a value: its digest, what it says of itself, and the steps that apply it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from portal.kit import canonical
from portal.kit.refusals import Refused, because
from remediation.drafting import composing, schema

VERSION = "countersign.role/1"
OPERATION = "apply_role"
FILE = re.compile(
    r"tasks/[a-z0-9_-]{1,60}\.yml|(?:handlers|defaults|meta)/main\.yml|templates/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,80}\.j2"
)
"""Where a file of a role may stand; nothing else exists."""
REQUIRED = ("tasks/main.yml", "tasks/backout.yml", "tasks/verify.yml")
MARK = "# REVIEW"
"""A comment above a task that destroys something or decides what is touched; a reviewer confirms each."""


def digest_of(name: str, files: Mapping[str, str]) -> str:
    """SHA-256 (hex) of a role: its name, and the path and text of every file."""
    return canonical.digest_of(canonical.text_of({"name": name, "files": dict(files)}, version=VERSION))


def file_digest(text: str) -> str:
    """SHA-256 (hex) of one file, as `sha256sum` prints it."""
    return hashlib.sha256(text.encode()).hexdigest()


def files_of(part: schema.RolePart) -> dict[str, str]:
    """The text of every file by its path; raises ValueError where two have the same path."""
    files = {file.path: file.text for file in part.files}
    if len(files) != len(part.files):
        raise ValueError("Two files of the role have the same path.")
    return files


def part_digest(part: schema.RolePart) -> str:
    """The digest of a draft's role."""
    return digest_of(part.name, files_of(part))


def is_marked(part: schema.RolePart) -> bool:
    """Whether a task carries a REVIEW mark; then applying it is critical. A gate sees to it that none is missing."""
    return any(MARK in file.text for file in part.files)


def steps_for(part: schema.RolePart, hosts: Sequence[str], *, source: str) -> list[schema.Step]:
    """One step per host that applies this role, in the order of the hosts; Refused for a bad name, or too many."""
    if len(hosts) > composing.STEPS_AT_MOST:
        text = (
            f"A draft applies a role to at most {composing.STEPS_AT_MOST} hosts; these are {len(hosts)}. Take some out."
        )
        raise Refused(because("too_many_hosts", text))
    values: dict[str, composing.Value] = {"role": part_digest(part), "destroys": is_marked(part)}
    review = f"{part.name} has tasks marked {MARK}: confirm each of them." if is_marked(part) else None
    steps = [composing.operation(OPERATION, {"host": host, **values}, source=source, review=review) for host in hosts]
    return [
        step.model_copy(update={"title": f"Apply the role {part.name} to {host}."})
        for step, host in zip(steps, hosts, strict=True)
    ]


def recomposed(draft: schema.Draft) -> schema.Draft:
    """The draft with its steps as they apply the role that stands in it, whatever they named before.

    What a gate has to say something about stays as it is: two files of one path, a step without a host.
    """
    if draft.role is None or len({file.path for file in draft.role.files}) != len(draft.role.files):
        return draft
    return draft.model_copy(update={"steps": [_named(step, draft.role) for step in draft.steps]})


def is_applying(step: schema.Step) -> bool:
    """Whether a step applies a role."""
    return step.action.kind == "operation" and step.action.operation == OPERATION


def _named(step: schema.Step, part: schema.RolePart) -> schema.Step:
    """The step as it is where it names the role as it stands, else composed anew."""
    values = {each.name: each.value for each in getattr(step.action, "parameters", ())}
    host = values.get("host")
    is_current = values == {"host": host, "role": part_digest(part), "destroys": is_marked(part)}
    return step if is_current or not isinstance(host, str) else _reapplied(step, part)


def _reapplied(step: schema.Step, part: schema.RolePart) -> schema.Step:
    """The step as it is composed for the role as it is now, on the host that it names."""
    if not is_applying(step) or not isinstance(step.action, schema.OperationAction):
        return step
    host = str(schema.parameters_of(step.action)["host"])
    return steps_for(part, [host], source=step.source)[0]
