"""The REST API as a person with a token sees it; standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class Refusal(Exception):
    """The API answered with a problem document; the message is its title with every reason."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        reasons = "; ".join(str(each.get("message", "")) for each in problem.get("errors", []))
        super().__init__(f"{status} {problem.get('title', '')}: {reasons or problem.get('detail', '')}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Api:
    """One person's token at one site."""

    url: str
    token: str
    name: str

    def get(self, path: str) -> dict[str, Any]:
        """Read; raises Refusal."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change; raises Refusal."""
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data=body, method=method, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the site's own address
                parsed: dict[str, Any] = json.load(answer)
                return parsed
        except urllib.error.HTTPError as error:
            raise Refusal(error.code, _problem(error)) from None


def _problem(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = json.load(error)
    except ValueError:
        return {"title": error.reason}
    return parsed
