"""Canonical text of plain data, and its digest (law 3).

The text is JSON with sorted keys, no spaces, UTF-8, NFC strings and a versioned first line. Floats are refused: two
machines may print the same float differently, and a signature must not depend on that. Use integers (permille, cents)
or strings.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any


class NotCanonical(TypeError):
    """The data holds something that has no canonical text; the message names its path."""


def text_of(data: Mapping[str, Any], *, version: str) -> str:
    """Canonical text of `data`; `version` names its schema, for instance `countersign.plan/1`."""
    body = json.dumps(_plain(data, "$"), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"{version}\n{body}"


def parse(text: str, *, version: str) -> dict[str, Any]:
    """The data behind a canonical text; refuses another version."""
    first, _, body = text.partition("\n")
    if first != version:
        raise NotCanonical(f"expected {version}, found {first[:60]!r}")
    loaded: dict[str, Any] = json.loads(body)
    return loaded


def digest_of(text: str) -> str:
    """SHA-256 of the text in lower-case hexadecimal, 64 characters."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, path: str) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return _plain_mapping(value, path)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(item, f"{path}[{i}]") for i, item in enumerate(value)]
    raise NotCanonical(f"{path}: {type(value).__name__} has no canonical text")


def _plain_mapping(value: Mapping[Any, Any], path: str) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotCanonical(f"{path}: key {key!r} is not a string")
        name = unicodedata.normalize("NFC", key)
        if name in plain:
            raise NotCanonical(f"{path}: two keys are both {name!r} once normalised")
        plain[name] = _plain(item, f"{path}.{name}")
    return plain
