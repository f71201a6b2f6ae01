"""Composes a role from a runbook that brings one and the values read for it. Pure.

Only the defaults of the role are filled in, each with the evidence it was read from; tasks are never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from portal.kit.refusals import Refused, because
from remediation.drafting import composing, roles, schema
from remediation.drafting.protocol import DraftRequest, RoleWish
from remediation.knowledge.extraction import Filled
from remediation.knowledge.procedures import PLACEHOLDER, FrontMatter, Procedure, RoleUse
from remediation.tickets.timelines import Timeline

DEFAULTS = "defaults/main.yml"


def reaches(request: DraftRequest, front: FrontMatter, filled: Filled) -> bool:
    """Whether the runbook brings a role and every host takes roles; Refused where somebody asked for one and not."""
    if front.role is None:
        return False
    hosts = _hosts(front, filled)
    missing = [host for host in hosts if host not in request.role_hosts]
    if missing and request.role == RoleWish.ASKED:
        text = f"No connector applies roles to {', '.join(missing)}. Have one set up, or take these hosts out."
        raise Refused(because("not_reachable", text, front.role.hosts))
    return not missing


def part_of(procedure: Procedure, filled: Filled, timeline: Timeline | None) -> schema.RolePart:
    """The role with its defaults filled in. What people told of symptom and cause goes before the runbook's words."""
    use = _use(procedure.front)
    files = dict(procedure.role_files)
    if DEFAULTS in files:
        files[DEFAULTS] = _filled(files[DEFAULTS], use, filled)
    told = timeline or Timeline()
    return schema.RolePart(
        name=use.name,
        symptom=told.symptom or composing.filled_in(use.symptom, filled.values),
        root_cause=told.root_cause or composing.filled_in(use.root_cause, filled.values),
        files=[schema.RoleFile(path=path, text=text) for path, text in sorted(files.items())],
        paths=list(use.paths),
        services=list(use.services),
        packages=list(use.packages),
    )


def steps_of(part: schema.RolePart, front: FrontMatter, filled: Filled) -> list[schema.Step]:
    """One step per host, each saying where everything was read."""
    read = [(name, filled.values[name]) for name in names_read(front) if name in filled.values]
    where = [f"{name} from {', '.join(dict.fromkeys(each.where for each in values))}" for name, values in read]
    source = ", ".join([f"runbook {front.slug} v{front.version}", *where])
    return roles.steps_for(part, _hosts(front, filled), source=source)


def names_read(front: FrontMatter) -> list[str]:
    """The parameters that a role needs: its hosts, and what fills its defaults."""
    use = _use(front)
    return list(
        dict.fromkeys([use.hosts, *(name for text in use.defaults.values() for name in PLACEHOLDER.findall(text))])
    )


def kept_defaults(front: FrontMatter, filled: Filled) -> Iterator[str]:
    """What the evidence does not say, so that the role's own default stays."""
    for variable, value in _use(front).defaults.items():
        if not _is_known(value, filled):
            yield f"{variable} stays as the role has it: no evidence says anything else."


def _hosts(front: FrontMatter, filled: Filled) -> list[str]:
    return [found.text for found in filled.values.get(_use(front).hosts, ())]


def _filled(text: str, use: RoleUse, filled: Filled) -> str:
    """The defaults with what was read, and behind each value where it stands."""
    lines = {f"{variable}:": _line(variable, value, filled) for variable, value in use.defaults.items()}
    return "\n".join(lines.get(line.partition(" ")[0]) or line for line in text.split("\n"))


def _line(variable: str, value: str, filled: Filled) -> str | None:
    """The default of one variable; None where the evidence does not say it."""
    if not _is_known(value, filled):
        return None
    where = ", ".join(dict.fromkeys(filled.values[name][0].where for name in PLACEHOLDER.findall(value)))
    return f"{variable}: {_yaml(composing.filled_in(value, filled.values))}  # {where}"


def _yaml(value: str) -> str:
    return value if re.fullmatch(r"[1-9][0-9]*", value) else json.dumps(value)


def _is_known(value: str, filled: Filled) -> bool:
    return all(name in filled.values for name in PLACEHOLDER.findall(value))


def _use(front: FrontMatter) -> RoleUse:
    if front.role is None:
        raise ValueError(f"the runbook {front.slug} brings no role")
    return front.role
