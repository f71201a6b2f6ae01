"""Real servers on the loopback interface that answer as a test tells them: a mail server and an HTTP server."""

from __future__ import annotations

import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@dataclass
class Received:
    """One POST as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """An HTTP server: what it received, and `answer`, which gets each request and the handler that may speak."""

    port: int
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received, http.server.BaseHTTPRequestHandler], None] = lambda _, to: say(to, 204)

    def url(self, scheme: str = "http", host: str = HOST) -> str:
        return f"{scheme}://{host}:{self.port}/hook?team=ops"


def say(to: http.server.BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    """A short answer."""
    to.send_response(status)
    for name, value in headers.items():
        to.send_header(name, value)
    to.send_header("Content-Length", "0")
    to.end_headers()


@contextmanager
def web(certificate: Path | None = None) -> Iterator[Web]:
    """A running HTTP server, with TLS if it has a certificate."""
    with _WebServer((HOST, 0), _WebHandler) as server:
        if certificate:
            server.socket = _server_side(certificate).wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        server.state = Web(server.server_port)
        with _running(server):
            yield server.state


class _WebServer(http.server.ThreadingHTTPServer):
    state: Web

    def handle_error(self, *_: object) -> None:
        """Whoever hung up did so on purpose."""


class _WebHandler(http.server.BaseHTTPRequestHandler):
    server: _WebServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = Received(self.path, dict(self.headers), body)
        self.server.state.received.append(request)
        self.server.state.answer(request, self)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@dataclass
class Mails:
    """A mail server: what it received, whom it refuses, and what it does when it should accept a mail."""

    port: int
    received: list[Message] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    is_silent: bool = False
    hangs_up: bool = False
    logins: list[str] = field(default_factory=list)


@contextmanager
def mails(certificate: Path | None = None) -> Iterator[Mails]:
    """A running mail server; with a certificate it offers STARTTLS and, within it, a login."""
    with _MailServer((HOST, 0), _MailHandler) as server:
        server.state, server.certificate = Mails(server.server_address[1]), certificate
        with _running(server):
            yield server.state


class _MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    state: Mails
    certificate: Path | None

    def handle_error(self, *_: object) -> None:
        """Whoever hung up did so on purpose."""


class _MailHandler(socketserver.StreamRequestHandler):
    server: _MailServer

    def handle(self) -> None:
        if self.server.state.is_silent:
            self.rfile.read()  # until the other side gives up
            return
        self.reply("220 here")
        verbs = {"EHLO": self.ehlo, "STARTTLS": self.secure, "AUTH": self.auth, "RCPT": self.rcpt, "DATA": self.data}
        while line := self.rfile.readline().decode().strip():
            verb = line.split(maxsplit=1)[0].upper()
            verbs.get(verb, self.anything)(line)

    def reply(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def anything(self, _: str) -> None:
        self.reply("250 fine")

    def ehlo(self, _: str) -> None:
        is_secure = isinstance(self.request, ssl.SSLSocket)
        offer = "AUTH PLAIN" if is_secure else "STARTTLS" if self.server.certificate else "8BITMIME"
        self.reply(f"250-here\r\n250 {offer}")

    def auth(self, line: str) -> None:
        self.server.state.logins.append(line)
        self.reply("235 welcome")

    def rcpt(self, line: str) -> None:
        is_refused = any(address in line for address in self.server.state.refuses)
        self.reply("550 nobody of that name" if is_refused else "250 fine")

    def data(self, _: str) -> None:
        self.reply("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.server.state.received.append(message_from_bytes(b"".join(lines)))
        if self.server.state.hangs_up:
            self.request.shutdown(socket.SHUT_RDWR)
        else:
            self.reply("250 accepted")

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def secure(self, _: str) -> None:
        self.reply("220 go")
        context = _server_side(self.server.certificate or Path())
        self.request = context.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)


def _server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def make_certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate with its key for a host name, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
