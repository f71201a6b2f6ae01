"""Reads JSON without forgiveness: what two readers could understand differently, or a database refuse, gets a 4xx."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.parsers import BaseParser

MAX_DEPTH = 32
MAX_DIGITS = 20
INT64 = range(-(2**63), 2**63)


class BadJSON(APIException):
    """400: the body is not the JSON we accept; the error names the place."""

    status_code = 400
    default_code = "bad_json"

    def __init__(self, code: str, message: str, place: str = "") -> None:
        super().__init__({place: [ErrorDetail(message, code)]} if place else ErrorDetail(message, code))


class BodyTooLarge(APIException):
    """413: the body is larger than the site accepts."""

    status_code = 413
    default_code = "body_too_large"


class StrictJSONParser(BaseParser):
    """UTF-8 JSON with unique keys, at most MAX_DEPTH levels, 64-bit integers, finite numbers and no NUL characters.

    Bodies end at Django's setting DATA_UPLOAD_MAX_MEMORY_SIZE.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The data, or a 4xx that names the place."""
        return loads(_read(stream, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


def loads(body: bytes) -> Any:
    """The data of a JSON text, or BadJSON."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJSON("not_utf8", f"The body is not UTF-8: byte {error.start} does not fit.") from error
    if not text.strip():
        raise BadJSON("empty_body", "The body is empty.")
    data = _decoded(text)
    for place, value in _values(data):
        _check(place, value)
    return data


def _read(stream: IO[bytes], limit: int) -> bytes:
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge(f"The body is larger than {limit:,} bytes.")
    return body


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_int64)
    except json.JSONDecodeError as error:
        message = f"Not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        raise BadJSON("not_json", message) from error
    except RecursionError as error:
        raise _too_deep() from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadJSON("duplicate_key", f"The key {twice[:100]!r} appears twice in one object.", _printable(twice))
    return found


def _no_constant(name: str) -> NoReturn:
    raise BadJSON("not_finite", f"{name} is not a number in JSON.")


def _int64(digits: str) -> int:
    if len(digits) > MAX_DIGITS or int(digits) not in INT64:
        raise BadJSON("integer_too_large", f"The integer {digits[:MAX_DIGITS]}... does not fit into 64 bits.")
    return int(digits)


def _values(data: Any) -> Iterator[tuple[str, Any]]:
    """Every key and every plain value with its place, for instance `evidence[0].text`."""
    waiting: list[tuple[str, Any, int]] = [("", data, 1)]
    while waiting:
        place, value, depth = waiting.pop()
        if isinstance(value, dict | list) and depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            yield from ((place, key) for key in value)
            waiting.extend((f"{place}.{key}" if place else key, inner, depth + 1) for key, inner in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{place}[{index}]", inner, depth + 1) for index, inner in enumerate(value))
        else:
            yield place, value


def _check(place: str, value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise BadJSON("nul_character", "NUL characters are not allowed.", _printable(place))
        if not _is_encodable(value):
            raise BadJSON("lone_surrogate", "Half of a surrogate pair is not a character.", _printable(place))
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadJSON("not_finite", "The number is too large.", _printable(place))


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(place: str) -> str:
    return place.encode("ascii", "backslashreplace").decode().replace("\x00", "\\0")[:200]


def _too_deep() -> BadJSON:
    return BadJSON("too_deep", f"More than {MAX_DEPTH} levels of objects and lists.")
