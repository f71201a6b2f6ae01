"""Signs for ssh in the jail with a key that stays outside: as much of the agent's protocol as ssh needs to log in.

Whatever runs in the jail can have logins of one user signed while the play lasts, so many, and never sees the key. The
agent's protocol is that of draft-ietf-sshm-ssh-agent; what a login signs is in RFC 4252, section 7.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

FAILURE, ASKS_KEYS, KEYS, ASKS_SIGNATURE, SIGNATURE = 5, 11, 12, 13, 14
FLAGS = 4
RSA = {4: b"rsa-sha2-512", 2: b"rsa-sha2-256"}
"""By the flags of a request, four bytes: what an RSA key is to sign with. SHA-1, where neither is set, is refused."""

HASHES: dict[bytes, hashes.HashAlgorithm] = {b"rsa-sha2-512": hashes.SHA512(), b"rsa-sha2-256": hashes.SHA256()}

USERAUTH_REQUEST, TRUE = b"\x32", b"\x01"
HOSTBOUND = b"publickey-hostbound-v00@openssh.com"
"""OpenSSH's own way to log in by key: what is signed ends with the key of the host."""

SESSION_LENGTHS = range(20, 65)
"""A session is named by a hash: of SHA-1 up to SHA-512."""

MOST_LOGINS = 20
"""Per play. ssh logs in once, and again where a connection was lost."""

LONGEST = 256 * 1024
CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class BadKey(Exception):
    """The text is no private key that we can sign with: broken, with a passphrase, or of another kind."""


def read(text: str) -> PrivateKey:
    """The private key behind its text, OpenSSH's or PEM; raises BadKey."""
    load = serialization.load_ssh_private_key if "OPENSSH" in text else serialization.load_pem_private_key
    try:
        key = load(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey(
            "The key cannot be read: it is broken, has a passphrase, or is of a kind that is not known."
        ) from None
    is_of_another_curve = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in CURVES
    if is_of_another_curve or not isinstance(key, PrivateKey):
        raise BadKey("The key is neither Ed25519, RSA nor ECDSA over one of NIST's curves.")
    return key


@dataclass(slots=True)
class Signer:
    """Signs that one user logs in by this key, and nothing else.

    `host_keys` are those that a login may name; None where whoever asks is the only one who can tell.
    """

    key: PrivateKey
    user: str
    host_keys: frozenset[bytes] | None
    logins_left: int = MOST_LOGINS

    def answer(self, request: bytes) -> bytes:
        """What the agent says to a request; all but the two that log in needs are refused."""
        public = _public(self.key)
        if request == bytes([ASKS_KEYS]):
            return bytes([KEYS]) + struct.pack(">I", 1) + _string(public) + _string(b"")
        asked = bytes([ASKS_SIGNATURE]) + _string(public)
        data, flags = _taken(request.removeprefix(asked))
        algorithm = _algorithm(self.key, flags)
        is_whole = len(flags) == FLAGS and request == asked + _string(data) + flags
        if not (is_whole and algorithm and self.logins_left and self._is_login(data, algorithm, public)):
            return bytes([FAILURE])
        self.logins_left -= 1
        return bytes([SIGNATURE]) + _string(_string(algorithm) + _string(_signed(self.key, data, algorithm)))

    def _is_login(self, data: bytes, algorithm: bytes, public: bytes) -> bool:
        """Whether exactly this is what ssh has signed when the user logs in; it is written anew, and compared."""
        session, _ = _taken(data)
        begin = _string(session) + USERAUTH_REQUEST + _string(self.user.encode()) + _string(b"ssh-connection")
        by_key = TRUE + _string(algorithm) + _string(public)
        allowed = [begin + _string(b"publickey") + by_key]
        bound = begin + _string(HOSTBOUND) + by_key
        host_key, _ = _taken(data.removeprefix(bound))
        if self.host_keys is None or host_key in self.host_keys:
            allowed.append(bound + _string(host_key))
        return len(session) in SESSION_LENGTHS and data in allowed


@contextmanager
def agent(signer: Signer) -> Iterator[Path]:
    """A socket's path where ssh finds an agent with this one key, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder, contextlib.ExitStack() as opened:
        path = Path(folder, "agent.sock")
        listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=_serve, args=(listener, signer), daemon=True).start()
        opened.callback(_shut, listener)
        yield path


def _shut(ended: socket.socket) -> None:
    with contextlib.suppress(OSError):
        ended.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, signer: Signer) -> None:
    """One asker after the other: ssh asks twice and goes."""
    with contextlib.suppress(OSError):
        while True:
            asker, _ = listener.accept()
            with asker, contextlib.suppress(OSError, struct.error, ValueError):
                asker.settimeout(10)
                _talk(asker, signer)


def _talk(asker: socket.socket, signer: Signer) -> None:
    with asker.makefile("rb") as asked:
        while header := asked.read(4):
            (length,) = struct.unpack(">I", header)
            if not 0 < length <= LONGEST:
                return
            asker.sendall(_string(signer.answer(asked.read(length))))


def _public(key: PrivateKey) -> bytes:
    """The public half as ssh sends it."""
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def _algorithm(key: PrivateKey, flags: bytes) -> bytes | None:
    """How ssh calls what the key signs with; None where a request's flags leave an RSA key only SHA-1."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return b"ssh-ed25519"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return f"ecdsa-sha2-nistp{key.curve.key_size}".encode()
    return next((name for flag, name in RSA.items() if int.from_bytes(flags[:FLAGS]) & flag), None)


def _signed(key: PrivateKey, data: bytes, algorithm: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), HASHES[algorithm])
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(CURVES[key.curve.name])))
    return _number(r) + _number(s)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _number(value: int) -> bytes:
    """A positive number as ssh writes it: without zeros before it, and with one if it would look negative."""
    return _string(value.to_bytes(value.bit_length() // 8 + 1))


def _taken(data: bytes) -> tuple[bytes, bytes]:
    """The string that data begins with, and the rest; both shorter than they should be where data ends before."""
    length = int.from_bytes(data[:4])
    return data[4 : 4 + length], data[4 + length :]
