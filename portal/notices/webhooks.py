"""Sends letters as signed webhooks: one POST, one answer, no redirects, all of it within a few seconds.

The name is looked up here, every address is judged, and the connection goes to an address that was judged: a name that
resolves to something else a moment later changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from portal.notices import addresses, wording
from portal.notices.conf import Network
from portal.notices.failures import Rejected, Unreachable
from portal.notices.models import Letter, Outlet, WebhookSecret
from portal.notices.wording import Said

ID, TIMESTAMP, SIGNATURE = "Countersign-Id", "Countersign-Timestamp", "Countersign-Signature"
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Endpoint:
    """Where the letters of one webhook go."""

    def __init__(self, outlet: Outlet, at: datetime) -> None:
        self._url = outlet.url
        self._at = at
        self._secret = WebhookSecret.objects.filter(outlet=outlet).order_by("-id").values_list("secret", flat=True)[0]

    def send(self, letter: Letter, messages: Sequence[Said]) -> None:
        """Post one letter. Raises Rejected or Unreachable."""
        body = wording.body_of(letter.uid, letter.kind, messages, site=settings.SITE_URL)
        timestamp = str(int(self._at.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Countersign",
            ID: str(letter.uid),
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self._secret, timestamp, body),
        }
        _judge(_post(self._url, body, headers))


@contextmanager
def opened(outlet: Outlet, at: datetime) -> Iterator[Endpoint]:
    """The webhook of an outlet, its letters dated `at`."""
    yield Endpoint(outlet, at)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp, a full stop and body, with the version of this rule."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _judge(status: int) -> None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = f"It answered {status}."
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreachable(said)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise Rejected(f"{said} Redirects are not followed: register the address it leads to.")
    raise Rejected(said)


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer. Whatever takes longer than NOTICES_TIMEOUT_SECONDS in all is cut off."""
    private = settings.WEBHOOK_NETWORKS
    if problem := addresses.problem_of(url, private):
        raise Rejected(problem.text)
    parts = urlsplit(url)
    held: list[socket.socket] = []
    is_over = threading.Event()
    watch = threading.Timer(settings.NOTICES_TIMEOUT_SECONDS, _cut, [held, is_over])
    watch.start()
    try:
        connection = _connect(parts, private, held)
        connection.request("POST", parts._replace(scheme="", netloc="").geturl() or "/", body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as failure:
        late = f" (cut off after {settings.NOTICES_TIMEOUT_SECONDS:g} s)" if is_over.is_set() else ""
        raise Unreachable(f"{type(failure).__name__}: {failure}{late}") from failure
    finally:
        watch.cancel()
        for each in held:
            each.close()


def _connect(parts: SplitResult, private: Sequence[Network], held: list[socket.socket]) -> http.client.HTTPConnection:
    """A connection to an address of the host that webhooks may reach; over TLS the certificate is the host's."""
    host = parts.hostname or ""
    is_plain = parts.scheme == "http"
    kind = http.client.HTTPConnection if is_plain else http.client.HTTPSConnection
    connection = kind(host, parts.port)
    reachable = _addresses(host, connection.port, is_plain=is_plain, private=private)
    held.append(_called(reachable, connection.port))
    if not is_plain:
        held.append(ssl.create_default_context().wrap_socket(held[0], server_hostname=host))
    connection.sock = held[-1]
    return connection


def _addresses(host: str, port: int, *, is_plain: bool, private: Sequence[Network]) -> list[str]:
    """The addresses of a host; Rejected if any of them is one that webhooks may not reach."""
    found = [str(address) for *_, (address, *_) in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for each in found:
        address = addresses.literal(each.partition("%")[0])
        is_fine = address and addresses.is_allowed(address, private)
        if not is_fine or (is_plain and address and not addresses.is_named(address, private)):
            text = "leads to an address that webhooks may not reach (WEBHOOK_NETWORKS names private ones)."
            raise Rejected(f"{host} {text}")
    return found


def _called(found: Sequence[str], port: int) -> socket.socket:
    """A connection to the first address that answers, all of them tried within the time of one."""
    seconds = settings.NOTICES_TIMEOUT_SECONDS / len(found)
    *others, last = found
    for each in others:
        with suppress(OSError):
            return socket.create_connection((each, port), timeout=seconds)
    return socket.create_connection((last, port), timeout=seconds)


def _cut(held: Sequence[socket.socket], is_over: threading.Event) -> None:
    """End a conversation that takes too long, from the watch's thread; TLS is not asked, it may be waiting."""
    is_over.set()
    for each in held:
        with suppress(OSError):
            socket.socket.shutdown(each, socket.SHUT_RDWR)
