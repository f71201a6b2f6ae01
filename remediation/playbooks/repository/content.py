"""What a pull request is made of, as values: role, evidence, proof, gates, people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from portal.kit import canonical

VERSION = "countersign.pull-request/1"


@dataclass(frozen=True, slots=True)
class Cited:
    """A piece of evidence that the draft cites."""

    ref: str
    text: str


@dataclass(frozen=True, slots=True)
class ProvenTask:
    """What the proof saw of one task: apply and second run in one word each, such as `changed` and `ok`."""

    host: str
    name: str
    place: str
    applied: str
    again: str


@dataclass(frozen=True, slots=True)
class PassedGate:
    """A gate with the version of its program or rules."""

    name: str
    version: str
    says: str


@dataclass(frozen=True, slots=True)
class Signer:
    """A person who signed the merge stage, and when (ISO 8601)."""

    name: str
    username: str
    at: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A task marked for review, and who confirmed it."""

    place: str
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class RequestContent:
    """Everything that a request says. `files` is the role itself, path to text; `proof_text` goes in as a file.

    `paths`, `services` and `packages` are the role's patch scope: the gate of the repository's CI reads it.
    """

    title: str
    ticket_key: str
    category: str
    risk: str
    role_name: str
    files: Mapping[str, str]
    root_cause: str
    symptom: str
    hypothesis: str
    blast_radius: str
    back_out: str
    hosts: Sequence[str]
    proof_digest: str
    proof_text: str
    paths: Sequence[str] = field(default_factory=tuple)
    services: Sequence[str] = field(default_factory=tuple)
    packages: Sequence[str] = field(default_factory=tuple)
    evidence: Sequence[Cited] = field(default_factory=tuple)
    tasks: Sequence[ProvenTask] = field(default_factory=tuple)
    gates: Sequence[PassedGate] = field(default_factory=tuple)
    signers: Sequence[Signer] = field(default_factory=tuple)
    confirmed: Sequence[Confirmed] = field(default_factory=tuple)


_LISTS: dict[str, type[Any]] = {
    "evidence": Cited,
    "tasks": ProvenTask,
    "gates": PassedGate,
    "signers": Signer,
    "confirmed": Confirmed,
}


def text_of(content: RequestContent) -> str:
    """Canonical text: what is kept until the request is open."""
    return canonical.text_of(asdict(content), version=VERSION)


def from_text(text: str) -> RequestContent:
    """The content behind such a text."""
    data = canonical.parse(text, version=VERSION)
    for name, kind in _LISTS.items():
        data[name] = [kind(**row) for row in data[name]]
    return RequestContent(**data)
