"""Asking a real Prometheus for one number, and what is said when there is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from portal.jobs.outside import ActingInsideTransaction
from remediation.connectors import prometheus
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.connectors.testing_prometheus import PrometheusProcess

SESSIONS = f'last_over_time(lab_sessions{{target="{first_day.PRIMARY}"}}[1h])'


def test_a_number_is_what_was_measured(measured: PrometheusProcess, lab: LabProcess) -> None:
    lab.change(first_day.PRIMARY, "sessions", 7)
    measured.wait_for(SESSIONS, 7)
    lab.change(first_day.PRIMARY, "sessions", 0)
    measured.wait_for(SESSIONS, 0)
    assert prometheus.ask("scalar(vector(2.5))").value == 2.5


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("errors_of_nobody", "The query finds no data."),
        ("vector(1) or label_replace(vector(2), 'a', 'b', '', '')", "The query finds 2 series"),
        ("vector(1)[5m:1m]", "The query answers with a matrix"),
        ("'seven'", "The query answers with a string"),
        ("sum(", "Prometheus refuses the query (HTTP 400): invalid parameter"),
    ],
)
def test_an_answer_that_is_not_one_number_has_no_value(measured: PrometheusProcess, query: str, says: str) -> None:
    answer = prometheus.ask(query)
    assert answer.value is None
    assert says in answer.error


def test_nobody_is_asked_inside_a_transaction(measured: PrometheusProcess, db: None) -> None:
    with pytest.raises(ActingInsideTransaction), transaction.atomic():
        prometheus.ask("up")


class Liar(BaseHTTPRequestHandler):
    """Answers as no Prometheus would; what was asked of it is kept."""

    answers: tuple[int, dict[str, str], bytes]
    seen: list[tuple[str, str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.seen.append((self.path, self.headers.get("Authorization", ""), body))
        status, headers, answer = self.answers
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Liar]]:
    class Fresh(Liar):
        seen = []

    server = HTTPServer(("127.0.0.1", 0), Fresh)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(settings, "PROMETHEUS_URL", f"http://127.0.0.1:{server.server_port}/")
    yield Fresh
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""), "What answers is not Prometheus (HTTP 302)."),
        ((200, {}, b"<html>"), "What answers is not Prometheus (HTTP 200)."),
        ((200, {}, b"[1]"), "Prometheus refuses the query (HTTP 200)"),
        ((200, {}, b" " * 100_000), "more than one number could need"),
        ((200, {}, b'{"status": "success"}'), "The query answers with a None"),
        ((200, {}, b'{"status": "success", "data": {"resultType": "scalar", "result": [1]}}'), "holds no number"),
        ((200, {}, b'{"status": "success", "data": {"resultType": "vector", "result": [{}]}}'), "holds no number"),
        ((503, {}, b'{"status": "error", "error": "busy"}'), "(HTTP 503): busy"),
    ],
)
def test_what_is_not_prometheus_is_not_believed(
    liar: type[Liar], answers: tuple[int, dict[str, str], bytes], says: str
) -> None:
    liar.answers = answers
    answer = prometheus.ask("up")
    assert answer.value is None
    assert says in answer.error


def test_the_read_token_goes_with_the_question(liar: type[Liar], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(prometheus.TOKEN, "token-of-the-tests")
    liar.answers = (200, {}, b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "4"]}}')
    assert prometheus.ask("up").value == 4
    assert liar.seen == [("/api/v1/query", "Bearer token-of-the-tests", "query=up&timeout=5s")]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "file:///etc/passwd", "http://[", "prometheus"])
def test_an_address_where_nobody_answers_has_no_number(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PROMETHEUS_URL", url)
    assert prometheus.ask("up").error.startswith("Prometheus cannot be reached")
