"""The drafter that asks Claude: one structured request, at most one repair round, everything kept.

The only module that imports `anthropic`, and only when it is used: the import takes a second and a half.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from portal.kit.redaction import RedactionFailed, redact
from portal.kit.refusals import because
from remediation.drafting import answers, prompting
from remediation.drafting.checking import Reply, Unusable
from remediation.drafting.pricing import is_used_up, spend_of
from remediation.drafting.protocol import (
    Answer,
    Drafted,
    DrafterName,
    DraftRequest,
    Exchange,
    Failed,
    NeedsPerson,
    Outcome,
)
from remediation.drafting.wire import Received, Sent, exchange_of

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic._middleware import CallNext
    from anthropic._request import APIRequest
    from anthropic._response import APIResponse
    from pydantic import BaseModel

ROUNDS = 2  # the request and one repair
MAX_TOKENS = 16_000  # below what the SDK wants streamed

STOPPED: dict[str, tuple[Outcome, str, bool]] = {
    "refusal": (Outcome.REFUSED, "Claude refused to answer.", False),
    "max_tokens": (Outcome.TRUNCATED, "The answer was cut off at its longest.", True),
    "model_context_window_exceeded": (Outcome.TRUNCATED, "The ticket is too long for the model.", False),
}
RETRYABLE = frozenset({Outcome.OVERLOADED, Outcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class ClaudeSettings:
    """Everything an installation decides about Claude."""

    api_key: str = field(repr=False)
    model: str
    base_url: str
    budget_cents: int
    timeout_seconds: float = 140.0  # three tries in each of two rounds stay within one job


@dataclass(frozen=True)
class ClaudeDrafter:
    """Asks Claude within a budget per ticket. `clock` tells the time, for the record."""

    settings: ClaudeSettings
    clock: Callable[[], datetime]
    known: Sequence[str] = field(repr=False)
    name: Final[DrafterName] = "claude"
    is_paid: Final = True

    def draft(self, request: DraftRequest) -> Answer:
        """A checked draft, questions to a person, or a failure; whatever it is, with every exchange."""
        if not self.settings.api_key:
            return Failed(Outcome.NOT_CONFIGURED, "No key for Claude is configured.", is_retryable=False)
        return _Conversation(self, request).run()


@cache
def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The closed schema in the form the API takes; limits become descriptions there, and are checked here."""
    from anthropic import transform_schema  # noqa: PLC0415

    return transform_schema(model)


class _Ended(Exception):
    """The conversation is over without a draft."""

    def __init__(self, outcome: Outcome, message: str, *, is_retryable: bool) -> None:
        super().__init__(message)
        self.outcome, self.is_retryable = outcome, is_retryable


class _Conversation:
    """One ticket's questions and answers."""

    def __init__(self, drafter: ClaudeDrafter, request: DraftRequest) -> None:
        self.drafter, self.settings, self.request = drafter, drafter.settings, request
        self.question = answers.question_for(request)
        self.exchanges: list[Exchange] = []
        self.messages: list[dict[str, str]] = []
        self.findings: Counter[str] = Counter()

    def run(self) -> Answer:
        try:
            self._prepare()
            reply = self._rounds()
        except RedactionFailed:
            text = "The ticket could not be redacted, so nothing was sent."
            return Failed(Outcome.REDACTION_FAILED, text, is_retryable=False, exchanges=tuple(self.exchanges))
        except _Ended as end:
            return Failed(end.outcome, str(end), is_retryable=end.is_retryable, exchanges=tuple(self.exchanges))
        if reply.draft:
            return Drafted(reply.draft, tuple(self.exchanges))
        self._mark(Outcome.NEEDS_PERSON, "")
        questions = tuple(because("asked_by_model", question) for question in reply.needs_person)
        return NeedsPerson(questions, tuple(self.exchanges))

    def _prepare(self) -> None:
        """The first message. Texts are redacted before they are escaped, since escaping may hide a secret's form."""
        blocks = [replace(block, text=self._clean(block.text)) for block in prompting.blocks_of(self.request)]
        self.messages = [{"role": "user", "content": prompting.ticket_text(blocks, self.question.prompt)}]

    def _rounds(self) -> Reply:
        last = Unusable([])
        for _ in range(ROUNDS):
            text = self._ask()
            try:
                return self.question.read(text, self.request)
            except Unusable as unusable:
                last = unusable
                self._mark(Outcome.INVALID, "\n".join(last.problems))
                self.messages.append({"role": "assistant", "content": text or "(nothing)"})
                self.messages.append({"role": "user", "content": prompting.repair_text(last.problems)})
        if last.reply is None:
            raise _Ended(Outcome.INVALID, "Claude's answer did not fit: " + " ".join(last.problems), is_retryable=True)
        self._mark(Outcome.DRAFTED, "Left for people to mend:\n" + "\n".join(last.problems))
        return last.reply

    def _ask(self) -> str:
        """One answer's text; its exchange is kept before anybody looks at it."""
        spend = spend_of(self.exchanges, self.request.spent)
        if is_used_up(spend, budget_cents=self.settings.budget_cents):
            text = f"The budget of {self.settings.budget_cents} US cents for this ticket is used up."
            raise _Ended(Outcome.OVER_BUDGET, text, is_retryable=False)
        self._send()
        last = self.exchanges[-1]
        if last.stop_reason != "end_turn":
            unexpected = (Outcome.INVALID, f"Claude stopped for {last.stop_reason or 'no reason'}.", True)
            outcome, message, is_retryable = STOPPED.get(last.stop_reason, unexpected)
            self._mark(outcome, message)
            raise _Ended(outcome, message, is_retryable=is_retryable)
        return last.answer

    def _clean(self, text: str) -> str:
        """The text redacted; fails closed."""
        redacted = redact(text, known=self.drafter.known)
        self.findings.update(dict(redacted.findings))
        return redacted.text

    def _body(self) -> dict[str, Any]:
        """The whole request; every text in it is redacted (again) on its way out."""
        system = self._clean(prompting.system_text(self.question.prompt))
        return {
            "model": self.settings.model,
            "max_tokens": MAX_TOKENS,
            "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "messages": [message | {"content": self._clean(message["content"])} for message in self.messages],
            "output_config": {"format": {"type": "json_schema", "schema": output_schema(self.question.model)}},
        }

    def _send(self) -> None:
        import anthropic  # noqa: PLC0415

        body = self._body()
        try:
            with self._client() as client:
                client.messages.create(**body)
        except anthropic.APIStatusError:
            last = self.exchanges[-1]
            text = f"Claude's API answered {last.detail}"
            raise _Ended(last.outcome, text, is_retryable=last.outcome in RETRYABLE) from None
        except anthropic.APITimeoutError:
            text = f"Claude's API did not answer within {self.settings.timeout_seconds:.0f} seconds."
            raise _Ended(Outcome.UNREACHABLE, text, is_retryable=True) from None
        except anthropic.APIConnectionError:
            raise _Ended(Outcome.UNREACHABLE, "Claude's API cannot be reached.", is_retryable=True) from None
        except (anthropic.AnthropicError, ValueError) as unreadable:
            text = f"Claude's API sent something unreadable: {type(unreadable).__name__}."
            self._mark(Outcome.INVALID, text)
            raise _Ended(Outcome.INVALID, text, is_retryable=True) from None

    def _client(self) -> Anthropic:
        from anthropic import Anthropic  # noqa: PLC0415

        return Anthropic(
            api_key=self.settings.api_key,
            base_url=self.settings.base_url,
            timeout=self.settings.timeout_seconds,
            middleware=[self._journal],
        )

    def _journal(self, request: APIRequest, call_next: CallNext) -> APIResponse[Any]:
        """Keeps every attempt on the wire, the SDK's own retries included."""
        from anthropic import APIConnectionError  # noqa: PLC0415

        version, findings = prompting.version(self.question.prompt), tuple(sorted(self.findings.items()))
        sent = Sent(_prompt(request.json), version, self.settings.model, findings, self.drafter.clock())
        try:
            response = call_next(request)
            text = response.read().decode(errors="replace")
        except APIConnectionError as error:
            self._keep(sent, Received(0, str(error), "", self.drafter.clock()))
            raise
        self._keep(sent, Received(response.status_code, text, response.request_id or "", self.drafter.clock()))
        return response

    def _keep(self, sent: Sent, received: Received) -> None:
        self.exchanges.append(exchange_of(sent, received))

    def _mark(self, outcome: Outcome, detail: str) -> None:
        """Say what became of the last exchange."""
        self.exchanges[-1] = replace(self.exchanges[-1], outcome=outcome, detail=detail)


def _prompt(body: Any) -> str:
    shown = {key: body.get(key) for key in ("system", "messages")} if isinstance(body, dict) else {}
    return json.dumps(shown, ensure_ascii=False)
