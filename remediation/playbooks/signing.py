"""Signs for ssh in the jail with a key that stays outside: as much of the agent's protocol as ssh needs to log in.

Whatever runs in the jail can have something signed while the play lasts, and never sees the key. The protocol is that
of draft-ietf-sshm-ssh-agent.
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
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

FAILURE, ASKS_KEYS, KEYS, ASKS_SIGNATURE, SIGNATURE = 5, 11, 12, 13, 14
SHA512, SHA256 = 4, 2
"""Flags of a request: what an RSA key is to sign with. SHA-1, which is meant where neither is set, is refused."""

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


@contextmanager
def agent(key: PrivateKey) -> Iterator[Path]:
    """A socket's path where ssh finds an agent with this one key, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder, contextlib.ExitStack() as opened:
        path = Path(folder, "agent.sock")
        listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=_serve, args=(listener, key), daemon=True).start()
        opened.callback(_shut, listener)
        yield path


def _shut(ended: socket.socket) -> None:
    with contextlib.suppress(OSError):
        ended.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, key: PrivateKey) -> None:
    """One asker after the other: ssh asks twice and goes."""
    with contextlib.suppress(OSError):
        while True:
            asker, _ = listener.accept()
            with asker, contextlib.suppress(OSError, struct.error, ValueError):
                asker.settimeout(10)
                _talk(asker, key)


def _talk(asker: socket.socket, key: PrivateKey) -> None:
    with asker.makefile("rb") as asked:
        while header := asked.read(4):
            (length,) = struct.unpack(">I", header)
            if not 0 < length <= LONGEST:
                return
            asker.sendall(_string(answer(asked.read(length), key)))


def answer(request: bytes, key: PrivateKey) -> bytes:
    """What the agent says to a request; all but the two that log in needs are refused."""
    public = _public(key)
    if request[:1] == bytes([ASKS_KEYS]):
        return bytes([KEYS]) + struct.pack(">I", 1) + _string(public) + _string(b"")
    if request[:1] != bytes([ASKS_SIGNATURE]):
        return bytes([FAILURE])
    asked, rest = _taken(request[1:])
    data, flags = _taken(rest)
    signed = _signed(key, data, struct.unpack(">I", flags[:4])[0]) if asked == public else None
    return bytes([FAILURE]) if signed is None else bytes([SIGNATURE]) + _string(signed)


def _public(key: PrivateKey) -> bytes:
    """The public half as ssh sends it."""
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def _signed(key: PrivateKey, data: bytes, flags: int) -> bytes | None:
    """The signature with the name of its kind."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _string(b"ssh-ed25519") + _string(key.sign(data))
    if isinstance(key, rsa.RSAPrivateKey):
        return _by_rsa(key, data, flags)
    curve = key.curve.name
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(CURVES[curve])))
    name = f"ecdsa-sha2-nistp{key.curve.key_size}".encode()
    return _string(name) + _string(_number(r) + _number(s))


def _by_rsa(key: rsa.RSAPrivateKey, data: bytes, flags: int) -> bytes | None:
    if flags & SHA512:
        return _string(b"rsa-sha2-512") + _string(key.sign(data, padding.PKCS1v15(), hashes.SHA512()))
    if flags & SHA256:
        return _string(b"rsa-sha2-256") + _string(key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
    return None


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _number(value: int) -> bytes:
    """A positive number as ssh writes it: without zeros before it, and with one if it would look negative."""
    return _string(value.to_bytes(value.bit_length() // 8 + 1))


def _taken(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack(">I", data[:4])
    return data[4 : 4 + length], data[4 + length :]
