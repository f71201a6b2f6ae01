"""What the model is shown: a versioned system prompt with the catalogue, and one ticket as clearly marked data. Pure.

Everything from outside is escaped, so that no text can close its own block and speak with our voice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from remediation.connectors.catalogue import OPERATIONS
from remediation.connectors.families.roles import APPLY_ROLE
from remediation.drafting.protocol import DraftRequest, EvidenceText, PastRemediation
from remediation.knowledge.matching import matching
from remediation.knowledge.procedures import Procedure
from remediation.tickets.timelines import Timeline

VERSIONS = {"system": "countersign.prompt/1", "role": "countersign.role-prompt/1"}
STEPS, ROLE = VERSIONS
QUESTIONS = {STEPS: "Draft the fix for this ticket.", ROLE: "Draft the role that makes the fix of this ticket last."}
RUNBOOKS_SHOWN = 3
PAST_SHOWN = 3
EVIDENCE_AT_MOST = 20_000  # characters of one piece; the middle of a longer one is left out, and the cut is said

_FOLDER = Path(__file__).parent / "prompts"


@cache
def system_text(prompt: str = STEPS) -> str:
    """The same for every ticket, so that the provider can keep it in its cache."""
    text = _read(f"{prompt}.v1.txt")
    return text + _catalogue() if prompt == STEPS else text


@cache
def version(prompt: str = STEPS) -> str:
    """What a prompt is called in every record; another wording or another catalogue is another version."""
    return f"{VERSIONS[prompt]}+{hashlib.sha256(system_text(prompt).encode()).hexdigest()[:12]}"


def _catalogue() -> str:
    """The operations that a draft of steps may use; applying a role is not for a draft without one."""
    catalogue = [
        {
            "name": operation.name,
            "title": operation.title,
            "family": operation.family.value,
            "parameters": operation.parameters.model_json_schema(),
        }
        for operation in OPERATIONS.values()
        if operation is not APPLY_ROLE
    ]
    return json.dumps(catalogue, separators=(",", ":"), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of data from outside, with what it is called."""

    name: str
    attributes: dict[str, str]
    text: str

    def __str__(self) -> str:
        marks = "".join(f' {key}="{escape(value)}"' for key, value in self.attributes.items() if value)
        return f"<{self.name}{marks}>\n{escape(self.text, quote=False)}\n</{self.name}>"


def blocks_of(request: DraftRequest) -> list[Block]:
    """The ticket, its evidence, the best matching runbooks and what was done before, not yet escaped."""
    return [
        _ticket(request),
        *([_timeline(request.timeline)] if request.role and request.timeline else []),
        *(_evidence(piece) for piece in request.evidence),
        *(_runbook(procedure) for procedure in _best(request)),
        *(_past(past) for past in request.past[:PAST_SHOWN]),
        Block("targets", {}, "\n".join(request.role_hosts if request.role else _identities(request))),
    ]


def ticket_text(blocks: Sequence[Block], prompt: str = STEPS) -> str:
    """The question, with every block escaped."""
    return "\n\n".join([*map(str, blocks), QUESTIONS[prompt]])


def repair_text(problems: Sequence[str]) -> str:
    """What is wrong with the first answer, one line each."""
    return _read("repair.v1.txt") + "\n".join(f"- {problem}" for problem in problems)


def _ticket(request: DraftRequest) -> Block:
    lines = {
        "title": request.title,
        "category": request.category,
        "severity": request.severity,
        "environment": request.environment,
        "service": request.service,
        "affected systems": ", ".join(request.systems),
        "description": request.description,
    }
    return Block("ticket", {"key": request.key}, "\n".join(f"{name}: {value}" for name, value in lines.items()))


def _identities(request: DraftRequest) -> list[str]:
    return [target.identity for target in request.targets]


def _timeline(timeline: Timeline) -> Block:
    """What people say it was; each entry is a piece of evidence already."""
    return Block("timeline", {"hosts": ", ".join(timeline.hosts)}, timeline.summary or "Nobody said what it was.")


def _evidence(piece: EvidenceText) -> Block:
    observed = piece.observed_at.isoformat() if piece.observed_at else ""
    text = _cut(f"$ {piece.command}\n{piece.text}" if piece.command else piece.text)
    return Block("evidence", {"ref": piece.ref, "kind": piece.kind, "observed_at": observed}, text)


def _best(request: DraftRequest) -> list[Procedure]:
    wording = f"{request.title}\n{request.description}"
    matches = matching(wording=wording, category=request.category, procedures=request.procedures)
    return [match.procedure for match in matches[:RUNBOOKS_SHOWN]]


def _runbook(procedure: Procedure) -> Block:
    front = procedure.front
    steps = json.dumps([step.model_dump(mode="json", exclude_none=True) for step in front.steps])
    files = "".join(f"\n\n[{path}]\n{text}" for path, text in procedure.role_files.items())
    attributes = {"slug": front.slug, "version": str(front.version)}
    return Block("runbook", attributes, f"{procedure.body}\n{steps}{files}")


def _past(past: PastRemediation) -> Block:
    attributes = {"ticket": past.ticket_key, "outcome": past.outcome, "alike_percent": str(past.similarity_percent)}
    text = f"{past.title}\nfeedback: {past.feedback or 'none'}\n{past.draft.model_dump_json()}"
    return Block("past", attributes, text)


def _cut(text: str) -> str:
    if len(text) <= EVIDENCE_AT_MOST:
        return text
    half = EVIDENCE_AT_MOST // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
