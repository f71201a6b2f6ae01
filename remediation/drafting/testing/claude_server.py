"""A small local server that speaks the Messages API as far as the drafter uses it; each answer is given beforehand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Says:
    """One answer. `text` is the model's text; `raw` replaces the whole body; `seconds` is how long it takes."""

    text: str = ""
    status: int = 200
    stop_reason: str = "end_turn"
    raw: bytes | None = None
    error: str = "api_error"
    seconds: float = 0.0
    input_tokens: int = 1_200
    output_tokens: int = 450
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass
class ClaudeServer:
    """Answers in order and remembers every request; the last answer is repeated."""

    answers: list[Says]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def next_answer(self) -> Says:
        """The answer to the request that was just remembered."""
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


@contextmanager
def speaking(*answers: Says) -> Iterator[ClaudeServer]:
    """A server on a free port of this machine, for as long as the block runs."""
    state = ClaudeServer(list(answers))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(state: ClaudeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            state.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            state.keys.append(self.headers.get("authorization", ""))
            answer = state.next_answer()
            time.sleep(answer.seconds)
            body = answer.raw if answer.raw is not None else _body(answer, state)
            head = (
                f"HTTP/1.1 {answer.status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
                f"request-id: req_{len(state.requests)}\r\nretry-after-ms: 1\r\n\r\n"
            )
            try:
                self.wfile.write(head.encode() + body)  # one write, or every call waits for a delayed acknowledgement
            except OSError:
                self.close_connection = True  # the client no longer waits

        def log_message(self, *_: Any) -> None:
            """Tests have nobody to read a log."""

    return Handler


def _body(answer: Says, state: ClaudeServer) -> bytes:
    if answer.status != 200:  # noqa: PLR2004
        return json.dumps({"type": "error", "error": {"type": answer.error, "message": answer.text}}).encode()
    message = {
        "id": f"msg_{len(state.requests)}",
        "type": "message",
        "role": "assistant",
        "model": state.requests[-1]["model"],
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "cache_read_input_tokens": answer.cache_read_tokens,
            "cache_creation_input_tokens": answer.cache_write_tokens,
        },
    }
    return json.dumps(message).encode()
