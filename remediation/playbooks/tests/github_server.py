"""A small local server that speaks as much of GitHub's REST API as a pull request needs, and answers as GitHub does."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from remediation.playbooks.repository.testing import Bare

REPOSITORY = "/repos/acme/roles"
TOKEN = "forge-token"


class GitHubServer:
    """Pull requests over a bare repository; `heard` is all that it was asked.

    `failing` is what it answers instead, with `headers`; `odd` are values of single requests that nobody documents.
    """

    def __init__(self, bare: Bare) -> None:
        self.bare = bare
        self.pulls: list[dict[str, Any]] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.reviews: dict[int, list[dict[str, Any]]] = {}
        self.labels: dict[int, list[str]] = {}
        self.heard: list[tuple[str, str]] = []
        self.failing: dict[tuple[str, str], int] = {}
        self.losing: set[tuple[str, str]] = set()
        self.headers: dict[str, str] = {}
        self.odd: dict[int, dict[str, Any]] = {}
        self.said = itertools.count()
        self.url = ""

    def say(self, number: int, who: str, text: str) -> None:
        """Somebody comments."""
        self._add(self.comments, number, {"user": {"login": who}, "body": text})

    def remark(self, number: int, who: str, text: str, path: str, line: int) -> None:
        """Somebody comments on a line."""
        self._add(self.reviews, number, {"user": {"login": who}, "body": text, "path": path, "line": line})

    def merged(self, number: int, commit: str, who: str) -> None:
        """A person has merged it."""
        pull = self.pulls[number - 1]
        pull |= {"state": "closed", "merged_at": "2026-05-04T12:00:00Z", "merge_commit_sha": commit}
        pull["merged_by"] = {"login": who}

    def answer(self, verb: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        """Status and document."""
        inside = path.removeprefix(REPOSITORY)
        number = int(found[1]) if (found := re.search(r"/(\d+)", inside)) else 0
        shape = re.sub(r"/\d+", "/N", inside)
        answers: dict[tuple[str, str], Callable[[], tuple[int, Any]]] = {
            ("GET", "/pulls"): lambda: (200, self._found(query)),
            ("POST", "/pulls"): lambda: self._opened(body),
            ("GET", "/pulls/N"): lambda: (200, self._shown(number)),
            ("PATCH", "/pulls/N"): lambda: (200, self._patched(number, body)),
            ("GET", "/issues/N/comments"): lambda: (200, self.comments.get(number, [])),
            ("GET", "/pulls/N/comments"): lambda: (200, self.reviews.get(number, [])),
            ("POST", "/issues/N/comments"): lambda: (201, self._said(number, body)),
            ("POST", "/issues/N/labels"): lambda: (200, self._label(number, body)),
        }
        self.heard.append((verb, shape))
        if (verb, shape) in self.failing:
            return self.failing[verb, shape], {"message": "Resource not accessible by personal access token"}
        return answers[verb, shape]() if (verb, shape) in answers else (404, {"message": "Not Found"})

    def _found(self, query: dict[str, str]) -> list[dict[str, Any]]:
        branch = query["head"].removeprefix("acme:")
        return [self._shown(each["number"]) for each in self.pulls if each["head"]["ref"] == branch]

    def _opened(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["head"] not in self.bare.branches():
            return 422, {"message": "Validation Failed", "errors": [{"message": "head is invalid"}]}
        number = len(self.pulls) + 1
        page = f"https://github.example/acme/roles/pull/{number}"
        self.pulls.append({"number": number, "html_url": page, "state": "open", "head": {"ref": body["head"]}, **body})
        self.pulls[-1] |= {"head": {"ref": body["head"]}, "merged_at": None, "merged_by": None}
        return 201, self._shown(number)

    def _shown(self, number: int) -> dict[str, Any]:
        pull = self.pulls[number - 1]
        pull["head"]["sha"] = self.bare.branches().get(pull["head"]["ref"], pull["head"].get("sha", "0" * 40))
        counts = {"comments": self.comments, "review_comments": self.reviews}
        shown = pull | {name: len(rows.get(number, [])) for name, rows in counts.items()}
        return shown | self.odd.get(number, {})

    def _patched(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        self.pulls[number - 1] |= body
        return self._shown(number)

    def _said(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        self.say(number, "countersign-bot", body["body"])
        return self.comments[number][-1]

    def _label(self, number: int, body: dict[str, Any]) -> list[str]:
        self.labels[number] = self.labels.get(number, []) + body["labels"]
        return self.labels[number]

    def _add(self, rows: dict[int, list[dict[str, Any]]], number: int, row: dict[str, Any]) -> None:
        count = next(self.said)
        rows.setdefault(number, []).append({"id": 1000 + count, "created_at": f"2026-05-04T11:00:{count:02}Z", **row})


@contextmanager
def speaking_github(bare: Bare) -> Iterator[GitHubServer]:
    """The server on a free port of this host."""
    state = GitHubServer(bare)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, document = 401, {"message": "Bad credentials"}
            else:
                status, document = state.answer(self.command, parts.path, query, body)
            if (self.command, parts.path.removeprefix(REPOSITORY)) in state.losing:
                self.close_connection = True
                return
            said = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
