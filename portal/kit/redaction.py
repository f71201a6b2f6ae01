"""Takes secrets and personal data out of text before it leaves for a model, a log or another system.

Fails closed: whoever calls gets the redacted text or RedactionFailed, never the text as it was.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import re2

from portal.kit.redaction_rules import PLACEHOLDER, RULES, Rule

MAX_PASSES = 8
SHORTEST_KNOWN = 6
PLACEHOLDERS = re2.compile(rf"""["']?{PLACEHOLDER}["']?""")
WORD = re2.compile(r"[A-Za-z0-9_.~+/=:-]{6,}")


class RedactionFailed(Exception):
    """The text could not be redacted, so it may not leave."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text without what the rules found, and how often each rule did."""

    text: str
    findings: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class KnownSecrets:
    """Secrets of the product itself, found wherever they appear.

    `values` are held by this process; `digests` are HMAC-SHA256 under `key` of those that it may not hold (law 5).
    """

    values: Collection[str] = ()
    digests: frozenset[bytes] = frozenset()
    key: bytes = b""


NOTHING_KNOWN = KnownSecrets()


def redact(text: str, *, known: KnownSecrets = NOTHING_KNOWN) -> Redacted:
    """The text with every finding replaced by `[redacted:rule]`. Redacting the result again changes nothing."""
    found: Counter[str] = Counter()
    try:
        redacted = _until_stable(text, known, found)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, no traceback may carry the text
        raise RedactionFailed(type(error).__name__) from None
    return Redacted(redacted, tuple(sorted(found.items())))


def digest_of_secret(secret: str, key: bytes) -> bytes:
    """What `KnownSecrets.digests` holds for a secret."""
    return hmac.digest(key, secret.encode(), hashlib.sha256)


def _until_stable(text: str, known: KnownSecrets, found: Counter[str]) -> str:
    for _ in range(MAX_PASSES):
        before = text
        text = _without_known(text, known, found)
        for rule in RULES:
            text = _apply(rule, text, found)
        if text == before:
            return text
    raise RedactionFailed("no end of findings")


def _apply(rule: Rule, text: str, found: Counter[str]) -> str:
    pieces, done = [], 0
    for match in rule.pattern.finditer(text):
        start, end = match.span(1)
        secret = text[start:end]
        if start < done or PLACEHOLDERS.fullmatch(secret) or not rule.holds(secret):
            continue
        pieces += [text[done:start], _placeholder(rule.name, secret)]
        done = end
        found[rule.name] += 1
    return "".join(pieces) + text[done:] if pieces else text


def _placeholder(name: str, secret: str) -> str:
    """Quotes around a secret stay, so that quoted text stays readable."""
    quote = secret[0] if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'" else ""
    return f"{quote}[redacted:{name}]{quote}"


def _without_known(text: str, known: KnownSecrets, found: Counter[str]) -> str:
    for secret in sorted(known.values, key=len, reverse=True):
        if len(secret) >= SHORTEST_KNOWN and secret in text:
            found["known-secret"] += text.count(secret)
            text = text.replace(secret, "[redacted:known-secret]")
    if not known.digests:
        return text

    def replaced(match: Any) -> str:
        word: str = match.group()
        if digest_of_secret(word, known.key) not in known.digests:
            return word
        found["known-secret"] += 1
        return "[redacted:known-secret]"

    without: str = WORD.sub(replaced, text)
    return without
