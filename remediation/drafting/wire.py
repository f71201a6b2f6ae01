"""Turns what went over the wire to the model and back into exchanges. Pure, but for the price tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remediation.drafting.pricing import price_of
from remediation.drafting.protocol import Exchange, Outcome

Findings = tuple[tuple[str, int], ...]
OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY, SERVER_ERROR, OVERLOADED = 200, 401, 403, 404, 429, 500, 529


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it left: the redacted prompt and its version, the model, and what redaction found."""

    prompt: str
    version: str
    model: str
    redactions: Findings
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it came: status 0 means that none came, and `text` then says why."""

    status: int
    text: str
    request_id: str
    ended_at: datetime

    @property
    def body(self) -> dict[str, Any]:
        """The answer as JSON; empty if it is none."""
        try:
            body = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}


def exchange_of(sent: Sent, received: Received) -> Exchange:
    """The record of one request; tokens and price are kept whatever becomes of the answer."""
    body = received.body
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else None
    return Exchange(
        outcome=outcome_of_status(received.status),
        detail="" if received.status == OK else error_text(received),
        prompt=sent.prompt,
        prompt_version=sent.version,
        answer=answer_text(body) if received.status == OK and body else received.text,
        model=str(body.get("model") or sent.model),
        started_at=sent.started_at,
        ended_at=received.ended_at,
        stop_reason=str(body.get("stop_reason") or ""),
        request_id=received.request_id,
        tokens_in=_count(usage, "input_tokens"),
        tokens_out=_count(usage, "output_tokens"),
        tokens_cache_read=_count(usage, "cache_read_input_tokens"),
        tokens_cache_write=_count(usage, "cache_creation_input_tokens"),
        price_micro_usd=price_of(body) if usage else None,
        redactions=sent.redactions,
    )


def outcome_of_status(status: int) -> Outcome:
    """What an HTTP status means for a draft; 0 stands for no answer at all."""
    if status == OK:
        return Outcome.DRAFTED
    if status in {TOO_MANY, OVERLOADED}:
        return Outcome.OVERLOADED
    if status in {UNAUTHORIZED, FORBIDDEN, NOT_FOUND}:
        return Outcome.NOT_CONFIGURED
    return Outcome.UNREACHABLE if status == 0 or status >= SERVER_ERROR else Outcome.INVALID


def answer_text(body: Mapping[str, Any]) -> str:
    """All text of an answer; thinking and other blocks are left out."""
    blocks = body.get("content")
    if not isinstance(blocks, list):
        return ""
    return "".join(str(b.get("text", "")) for b in blocks if isinstance(b, dict) and b.get("type") == "text")


def error_text(received: Received) -> str:
    """What the other side says went wrong, for people."""
    error = received.body.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return f"{received.status or 'No answer'}: {str(message or received.text)[:500]}"


def _count(usage: Mapping[str, Any] | None, name: str) -> int | None:
    value = usage.get(name) if usage else None
    return value if isinstance(value, int) else None
