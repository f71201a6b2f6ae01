"""Prometheus for tests: a real process, Debian's package, that scrapes the lab of the tests twice a second."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from portal.launch.children import die_with_parent
from remediation.connectors import prometheus
from remediation.connectors.testing import TOKENS, LabProcess, free_port

PROGRAM = "prometheus"
PATIENCE_SECONDS = 60
CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: lab
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ["{address}"]}}]
"""


class PrometheusProcess:
    """A Prometheus and what tests ask of it."""

    def __init__(self, folder: Path, scraped: str) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        config = CONFIG.format(token=TOKENS["LAB_READ_TOKEN"], address=scraped.removeprefix("http://"))
        (folder / "prometheus.yml").write_text(config)

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = [PROGRAM, f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/data"]
        listens = [f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=error"]
        self._process = subprocess.Popen(
            [*command, *listens],
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it takes no lock that another thread may hold
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Prometheus did not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def wait_for(self, query: str, value: float) -> None:
        """Wait until it has scraped this value."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := prometheus.ask(query)).value != value:
            if time.monotonic() > deadline:
                raise RuntimeError(f"Prometheus still answers {query} with {answer}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()


@pytest.fixture(scope="session")
def prometheus_process(
    tmp_path_factory: pytest.TempPathFactory, lab_process: LabProcess
) -> Iterator[PrometheusProcess]:
    """The Prometheus of this test process; without the program its tests are skipped, in CI they fail."""
    if not shutil.which(PROGRAM) and not os.environ.get("CI"):
        pytest.skip("Prometheus is missing: apt-get install prometheus")
    process = PrometheusProcess(tmp_path_factory.mktemp("prometheus"), lab_process.url)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def measured(
    prometheus_process: PrometheusProcess,
    lab: LabProcess,  # noqa: ARG001 - it is scraped
    monkeypatch: pytest.MonkeyPatch,
) -> PrometheusProcess:
    """A Prometheus that this process asks, and that watches the lab."""
    monkeypatch.setattr(settings, "PROMETHEUS_URL", prometheus_process.url)
    return prometheus_process
