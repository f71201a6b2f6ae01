"""The agent that signs from outside of the jail, asked by OpenSSH itself."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from remediation.playbooks import signing

BROKEN = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
KINDS = [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa", "-b", "256"], ["ecdsa", "-b", "384"], ["ecdsa", "-b", "521"]]
OTHER_CURVE = (
    ec.generate_private_key(ec.SECP256K1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)


def keygen(*arguments: str, said: bytes = b"", agent: Path | None = None) -> bytes:
    environment = {"PATH": os.environ["PATH"]} | ({"SSH_AUTH_SOCK": str(agent)} if agent else {})
    done = subprocess.run(["ssh-keygen", *arguments], input=said, capture_output=True, env=environment, check=True)
    return done.stdout


def made(folder: Path, kind: list[str], passphrase: str = "") -> Path:
    keygen("-q", "-t", *kind, "-N", passphrase, "-f", str(folder / "key"))
    return folder / "key"


@pytest.mark.parametrize("kind", KINDS, ids="".join)
def test_openssh_accepts_what_it_signs(tmp_path: Path, kind: list[str]) -> None:
    path = made(tmp_path, kind)
    key = signing.read(path.read_text())
    path.unlink()
    with signing.agent(key) as agent:
        signature = keygen("-Y", "sign", "-q", "-n", "file", "-f", f"{path}.pub", said=b"signed", agent=agent)
    (tmp_path / "signature").write_bytes(signature)
    assert b"Good" in keygen("-Y", "check-novalidate", "-n", "file", "-s", str(tmp_path / "signature"), said=b"signed")
    assert not agent.exists()


def test_another_key_and_other_requests_are_refused(tmp_path: Path) -> None:
    key = signing.read(made(tmp_path, ["ed25519"]).read_text())
    refused = bytes([signing.FAILURE])
    assert signing.answer(b"\x0d" + b"\0\0\0\x05other" + b"\0\0\0\x04data" + b"\0\0\0\0", key) == refused
    for request in (b"", b"\x11", b"\x13", b"\x16locked", b"\x19"):
        assert signing.answer(request, key) == refused


@pytest.mark.parametrize("text", ["", BROKEN, OTHER_CURVE])
def test_what_is_no_key_is_said_without_its_text(text: str) -> None:
    with pytest.raises(signing.BadKey) as bad:
        signing.read(text)
    assert "c2VjcmV0" not in str(bad.value)


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(signing.BadKey, match="passphrase"):
        signing.read(made(tmp_path, ["ed25519"], "a passphrase").read_text())


def test_a_request_that_comes_in_pieces_is_one(tmp_path: Path) -> None:
    key = signing.read(made(tmp_path, ["ed25519"]).read_text())
    request = bytes([signing.ASKS_SIGNATURE]) + b"\0\0\0\x05other" + b"\0\0\0\x04data" + b"\0\0\0\0"
    with signing.agent(key) as agent, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.connect(str(agent))
        for byte in len(request).to_bytes(4) + request:
            asker.sendall(bytes([byte]))
        assert asker.recv(5, socket.MSG_WAITALL) == b"\0\0\0\x01" + bytes([signing.FAILURE])
