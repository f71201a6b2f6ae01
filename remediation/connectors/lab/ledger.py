"""The ledger of every write request received, before de-duplication: one JSON line each, only ever appended.

Between them stands which request was carried out, as soon as its effect is durable.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from remediation.connectors.servers.common import WriteRequest


class Ledger:
    """A file of lines. A kill can cut the last one short; such a line is left out when reading."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, request: WriteRequest, at: float) -> None:
        """Append one request."""
        self._append(
            {
                "at": at,
                "idempotency_key": request.key,
                "fence": request.fence,
                "target": request.target,
                "tool": request.tool,
                "arguments": dict(request.arguments),
            }
        )

    def carried_out(self, key: str, state: str, at: float) -> None:
        """Append that the request received last under this key was carried out: `done`, or `failed`."""
        self._append({"at": at, "idempotency_key": key, "carried_out": state})

    def lines(self) -> list[dict[str, Any]]:
        """Everything, in order."""
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]  # what follows the last newline was cut short

    def entries(self) -> list[dict[str, Any]]:
        """Every request received, in order."""
        return [line for line in self.lines() if "carried_out" not in line]

    def mend(self) -> None:
        """End a line that a kill cut short, so that the next one begins on its own."""
        text = self._path.read_bytes() if self._path.exists() else b""
        if text and not text.endswith(b"\n"):
            self._path.write_bytes(text[: text.rfind(b"\n") + 1])

    def clear(self) -> None:
        """Forget everything: a reset begins a new lab."""
        self._path.unlink(missing_ok=True)

    def _append(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
