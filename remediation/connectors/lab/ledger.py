"""The ledger of every write request received, before de-duplication: one JSON line each, only ever appended."""

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
        line = {
            "at": at,
            "idempotency_key": request.key,
            "fence": request.fence,
            "target": request.target,
            "tool": request.tool,
            "arguments": dict(request.arguments),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """Every request received, in order."""
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]  # what follows the last newline was cut short

    def clear(self) -> None:
        """Forget everything: a reset begins a new lab."""
        self._path.unlink(missing_ok=True)
