"""What a drafter is asked and what it may answer; every drafter speaks this. Pure.

An answer is a draft, a question to a person, or a failure with its kind. Each carries the exchanges with the model it
took, so that every prompt and answer can be kept, whatever came of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from portal.kit.refusals import Reason
from remediation.drafting.schema import Draft
from remediation.knowledge.extraction import KnownTarget, Passage
from remediation.knowledge.procedures import Kind, Procedure
from remediation.tickets.timelines import Timeline

DrafterName = Literal["claude", "runbook"]


@dataclass(frozen=True, slots=True)
class EvidenceText:
    """One piece of evidence under the name that a draft cites: E1, E2 and so on."""

    ref: str
    kind: Kind
    text: str
    command: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastRemediation:
    """A signed remediation of the same pattern, how it ended, and how alike its ticket is (0 to 100)."""

    ticket_key: str
    title: str
    draft: Draft
    outcome: str
    feedback: str | None
    similarity_percent: int
    is_success: bool


@dataclass(frozen=True, slots=True)
class Spend:
    """What this ticket's exchanges cost so far: the sum of the known prices, and the tokens whose price is unknown."""

    micro_usd: int = 0
    unpriced_tokens: int = 0


class RoleWish(StrEnum):
    """Why a role is to be drafted: somebody asked for one, or the ticket has all that one needs."""

    ASKED = "asked"
    FITS = "fits"


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """Everything a drafter may know about a ticket. `role` says whether its answer is to be an Ansible role."""

    key: str
    title: str
    description: str
    category: str
    severity: str | None
    environment: str | None
    service: str | None
    systems: tuple[str, ...]
    evidence: tuple[EvidenceText, ...]
    procedures: tuple[Procedure, ...] = ()
    past: tuple[PastRemediation, ...] = ()
    targets: tuple[KnownTarget, ...] = ()
    spent: Spend = field(default_factory=Spend)
    timeline: Timeline | None = None
    role: RoleWish | None = None

    @property
    def role_hosts(self) -> tuple[str, ...]:
        """The hosts that the ticket mentions and that roles can be applied to."""
        return tuple(target.system for target in self.targets if target.plays_roles)

    def passages(self) -> tuple[Passage, ...]:
        """The ticket's own words, in the order they are read; only evidence has a reference that can be cited."""
        own = (
            Passage(None, "the title", "title", self.title),
            Passage(None, "the description", "description", self.description),
            Passage(None, "the affected systems", "systems", "\n".join(self.systems)),
        )
        return own + tuple(_passage(piece) for piece in self.evidence)


class Outcome(StrEnum):
    """How an exchange or a whole draft ended; the page says it, and offers a retry where it may help."""

    DRAFTED = "drafted"
    NEEDS_PERSON = "needs_person"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    OVERLOADED = "overloaded"
    INVALID = "invalid"
    OVER_BUDGET = "over_budget"
    UNREACHABLE = "unreachable"
    NOT_CONFIGURED = "not_configured"
    REDACTION_FAILED = "redaction_failed"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer as they were. Tokens and price (millionths of a US dollar) are null where unknown."""

    outcome: Outcome
    detail: str
    prompt: str
    prompt_version: str
    answer: str
    model: str
    started_at: datetime
    ended_at: datetime
    stop_reason: str = ""
    request_id: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cache_read: int | None = None
    tokens_cache_write: int | None = None
    price_micro_usd: int | None = None
    redactions: tuple[tuple[str, int], ...] = ()

    @property
    def tokens(self) -> int:
        """All tokens of the exchange that are known."""
        counts = (self.tokens_in, self.tokens_out, self.tokens_cache_read, self.tokens_cache_write)
        return sum(count or 0 for count in counts)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft that fits the closed schema and the catalogue."""

    draft: Draft
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """No draft can be made from what is known; the reasons say what is missing."""

    reasons: tuple[Reason, ...]
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The drafter could not do its work; `is_retryable` says whether the same request may succeed later."""

    kind: Outcome
    message: str
    is_retryable: bool
    exchanges: tuple[Exchange, ...] = ()


Answer = Drafted | NeedsPerson | Failed


class Drafter(Protocol):
    """Anything that turns a request into an answer. It never acts, and never raises for what a model may do.

    One that `is_paid` is told what the ticket has cost so far.
    """

    @property
    def name(self) -> DrafterName: ...

    @property
    def is_paid(self) -> bool: ...

    def draft(self, request: DraftRequest) -> Answer: ...


def _passage(piece: EvidenceText) -> Passage:
    text = f"$ {piece.command}\n{piece.text}" if piece.command else piece.text
    return Passage(piece.ref, piece.ref, piece.kind, text)
