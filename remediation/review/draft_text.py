"""A draft as the text that people read, compare and edit: YAML, block style, in the order of the schema. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from portal.kit.refusals import Refused, because
from remediation.drafting import schema

MOST_CHARACTERS = 200_000
WIDTH = 100
HINTS = """\
# Fill in what is empty; saving points out what is missing. A fact cites evidence of the ticket: E1, E2 and so on.
# Workers run operations of the catalogue, people run commands. An operation stands for `action` like this, with its
# name among the allowed changes, no commands in its checks, and `kind: catalogue` as its rollback:
#   action: {kind: operation, operation: restart_pod, parameters: [{name: pod, value: web-1}, ...]}
# Systems are targets of the estate; a policy admin adds one that is missing in the settings.
# `only_if` of an operation is null, or under which condition its target is touched at all: no_active_sessions or
# no_critical_alert. Where it does not hold, the step is skipped.
# `review` is what a reviewer has to confirm first, or null.
"""


class _Dumper(yaml.SafeDumper):
    """Multi-line strings as blocks, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Every value is written where it stands."""
        return True


def text_of(draft: schema.Draft) -> str:
    """The draft as YAML; reading it back gives the same draft."""
    data = draft.model_dump(mode="json")
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def without_files(draft: schema.Draft) -> str:
    """The draft as YAML, the files of its role left out: they are read and edited one by one."""
    data = draft.model_dump(mode="json")
    if draft.role is None:
        del data["role"]
    else:
        del data["role"]["files"]
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def whole_of(draft: schema.Draft) -> str:
    """The draft as YAML, then every file of its role as it is: what people compare."""
    files = draft.role.files if draft.role else []
    return "".join([without_files(draft), *(f"\n--- {file.path}\n{file.text}" for file in files)])


def blank_of(*, title: str, service: str | None, systems: Sequence[str]) -> str:
    """What a person begins with where no drafter got anywhere: one step, filled in only where the ticket says it."""
    check = {"expects": "", "command": ""}
    step = {
        "title": "",
        "preflight": {**check, "stop_if": ""},
        "action": {"kind": "command", "system": systems[0] if systems else "", "command": ""},
        "blast_radius": "",
        "verify": check,
        "rollback": {"kind": "command", "says": "", "command": ""},
        "review": "",
        "source": "written by hand",
    }
    data = {
        "summary": title,
        "hypothesis": "",
        "facts": [{"text": "", "evidence": ["E1"]}],
        "guesses": [],
        "scope": {
            "service": service,
            "systems": list(systems) or [""],
            "allowed_changes": ["command"],
            "out_of_scope": [],
        },
        "steps": [step],
        "rollback_owner": "",
        "rollback_minutes": 15,
        "confidence_percent": 0,
    }
    return HINTS + yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def data_of(text: str) -> dict[str, Any]:
    """The plain data behind edited text; Refused with the line where it does not read as YAML."""
    if len(text) > MOST_CHARACTERS:
        raise Refused(because("too_long", f"A draft has at most {MOST_CHARACTERS:,} characters.", "draft"))
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise Refused(because("alias", "Write every value out: anchors and aliases are not read.", "draft"))
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Refused(because("yaml", f"{place}{error.problem or 'this is not YAML'}.", "draft")) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(because("yaml", f"This is not YAML: {error}.", "draft")) from error
    if not isinstance(data, dict):
        raise Refused(because("yaml", "A draft is a mapping that begins with summary.", "draft"))
    return data
