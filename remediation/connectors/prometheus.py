"""Asks Prometheus for one number: an instant query at the address that the installation names, and nothing else.

Queries come from signed plans. What answers is not trusted: a few seconds, a few kilobytes, no redirect, and only a
number is kept of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from portal.jobs.outside import refuse_inside_transaction

TOKEN = "PROMETHEUS_READ_TOKEN"  # noqa: S105 - the name it goes by in the environment
SECONDS = 5.0
LONGEST_ANSWER = 64 * 1024
LONGEST_ERROR = 300
OK = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """A number, or the reason why there is none in a sentence."""

    value: float | None
    error: str = ""


def ask(query: str) -> Answer:
    """The one number that a query answers with now. Never raises: what cannot be read has no value."""
    import httpx2  # noqa: PLC0415 - only the process that asks pays for it

    refuse_inside_transaction()
    if not settings.PROMETHEUS_URL:
        return Answer(None, "No Prometheus is configured: PROMETHEUS_URL is empty.")
    url = f"{settings.PROMETHEUS_URL.rstrip('/')}/api/v1/query"
    token = os.environ.get(TOKEN, "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with (
            httpx2.Client(timeout=SECONDS, trust_env=False, follow_redirects=False) as client,
            client.stream("POST", url, data={"query": query, "timeout": f"{SECONDS:g}s"}, headers=headers) as response,
        ):
            return _read(response.status_code, _body(response))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Answer(None, f"Prometheus cannot be reached: {type(error).__name__}.")


def _body(response: Any) -> bytes | None:
    """The answer's bytes; None if there are more than a number needs."""
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            return None
    return body


def _read(status: int, body: bytes | None) -> Answer:
    if body is None:
        return Answer(None, "Prometheus answers with more than one number could need.")
    try:
        data = json.loads(body)
    except ValueError:
        return Answer(None, f"What answers is not Prometheus (HTTP {status}).")
    if not isinstance(data, Mapping) or status != OK or data.get("status") != "success":
        error = data.get("error", "") if isinstance(data, Mapping) else ""
        return Answer(None, f"Prometheus refuses the query (HTTP {status}): {str(error)[:LONGEST_ERROR]}")
    return _number(data.get("data"))


def _number(data: Any) -> Answer:
    """The value of a scalar, or of a vector with exactly one series."""
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, Mapping) else (None, None)
    if kind == "vector" and isinstance(result, list):
        if not result:
            return Answer(None, "The query finds no data.")
        if len(result) > 1:
            return Answer(None, f"The query finds {len(result)} series; it has to answer with one number.")
        return _sample(result[0].get("value"))
    if kind == "scalar":
        return _sample(result)
    return Answer(None, f"The query answers with a {kind}; it has to answer with one number.")


def _sample(pair: Any) -> Answer:
    """The value of a time and a value."""
    try:
        return Answer(float(pair[1]))
    except (TypeError, ValueError, IndexError):
        return Answer(None, "The answer holds no number.")
