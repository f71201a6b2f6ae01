"""The lab for tests: a real process on a free port, one per test process, as on its first day for every test."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from django.conf import settings
from django.utils import timezone

from portal.launch.children import die_with_parent
from remediation.connectors import seed

TOKENS = {
    "LAB_READ_TOKEN": "read-token-of-the-tests",
    "LAB_WRITE_TOKEN": "write-token-of-the-tests",
    "LAB_ADMIN_TOKEN": "admin-token-of-the-tests",
}
FaultKind = Literal["lies", "fails", "hangs", "loses_connection"]


class LabProcess:
    """A lab and its controls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = [sys.executable, "-m", "remediation.connectors.lab", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [*command, "--data", str(self._folder)],
            env={**os.environ, **TOKENS},
            cwd=settings.BASE_DIR,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it takes no lock that another thread may hold
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the lab did not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the process as a power cut would: kill -9."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def reset(self) -> None:
        """The first day again."""
        self._ask("POST", "/lab/reset")

    def fault(self, tool: str, kind: FaultKind, *, times: int | None = 1, seconds: float = 30) -> None:
        """Let the next `times` calls of a write tool go wrong; None for all of them."""
        self._ask("POST", "/lab/faults", {"tool": tool, "kind": kind, "times": times, "seconds": seconds})

    def change(self, target: str, field: str, value: object) -> None:
        """Change the estate behind the product's back, by target identity and field."""
        self._ask("PATCH", "/lab/state", {"target": target, "field": field, "value": value})

    def ledger(self) -> list[dict[str, Any]]:
        """Every write request received, before de-duplication."""
        requests: list[dict[str, Any]] = self._ask("GET", "/lab/ledger")["requests"]
        return requests

    def lines(self) -> list[dict[str, Any]]:
        """The same, and between them which request was carried out."""
        lines: list[dict[str, Any]] = self._ask("GET", "/lab/ledger")["lines"]
        return lines

    def estate(self) -> dict[str, Any]:
        """Everything in the lab."""
        estate: dict[str, Any] = self._ask("GET", "/lab/state")["estate"]
        return estate

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Authorization": f"Bearer {TOKENS['LAB_ADMIN_TOKEN']}"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the lab says {response.status}: {text.decode()}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _answers(self) -> bool:
        try:
            return bool(self._ask("GET", "/health")["healthy"])
        except OSError:
            return False


@pytest.fixture(scope="session")
def lab_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    """The lab of this test process."""
    process = LabProcess(tmp_path_factory.mktemp("lab"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def lab(lab_process: LabProcess, monkeypatch: pytest.MonkeyPatch) -> LabProcess:
    """The lab on its first day; this process holds its tokens and knows its address."""
    lab_process.reset()
    for name in ("LAB_READ_TOKEN", "LAB_WRITE_TOKEN"):
        monkeypatch.setenv(name, TOKENS[name])
    monkeypatch.setattr(settings, "LAB_URL", lab_process.url)
    return lab_process


@pytest.fixture
def lab_connectors(lab: LabProcess, db: None) -> LabProcess:  # noqa: ARG001 - seeding needs the database
    """The lab with its connectors in the database; with `committed_db` call `seed.load` instead."""
    seed.load(timezone.now())
    return lab


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port
