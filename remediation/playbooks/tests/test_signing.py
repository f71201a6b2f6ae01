"""The agent that signs from outside of the jail, asked by OpenSSH itself."""

from __future__ import annotations

import base64
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from remediation.playbooks import hosts, signing

BROKEN = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
KINDS = [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa", "-b", "256"], ["ecdsa", "-b", "384"], ["ecdsa", "-b", "521"]]
OTHER_CURVE = (
    ec.generate_private_key(ec.SECP256K1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)


SERVER = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
CAN_SERVE = SERVER is not None and (os.getuid() != 0 or Path("/run/sshd").is_dir())
"""As root sshd needs its empty folder."""

NEEDS_SERVER = pytest.mark.skipif(not CAN_SERVE, reason="no sshd here: apt-get install openssh-server")


def made(folder: Path, kind: list[str], passphrase: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", *kind, "-N", passphrase, "-f", str(folder / "key")], check=True)
    return folder / "key"


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


@NEEDS_SERVER
@pytest.mark.parametrize("kind", KINDS, ids="".join)
def test_openssh_logs_in_with_what_it_signs(tmp_path: Path, kind: list[str]) -> None:
    path = made(tmp_path, kind)
    key = signing.read(path.read_text())
    path.unlink()
    assert signs_in(tmp_path, key, known=made(tmp_path / "host", ["ed25519"]))


@NEEDS_SERVER
def test_a_login_that_names_another_host_is_not_signed(tmp_path: Path) -> None:
    key = signing.read(made(tmp_path, ["ed25519"]).read_text())
    made(tmp_path / "host", ["ed25519"])
    other = made(tmp_path / "other", ["ed25519"])
    assert not signs_in(tmp_path, key, known=other)
    assert signs_in(tmp_path, key, known=other, way="unbound"), "an older server's login names no host"


def signs_in(folder: Path, key: signing.PrivateKey, *, known: Path, way: str = "host-bound") -> bool:
    """Whether ssh logs in, with an agent that knows this host, at a server that is there for this one connection."""
    user, host_key = pwd.getpwuid(os.getuid()).pw_name, known.with_suffix(".pub").read_text()
    reach = hosts.Ssh("host", 22, user, False, hosts.Key("file", ""), f"host {host_key}", "")
    (folder / "known_hosts").write_text(f"host {(folder / 'host/key.pub').read_text()}")
    server = f"{SERVER} -i -f /dev/null -o HostKey={folder}/host/key -o AuthorizedKeysFile={folder}/key.pub"
    by_key_only = "-o StrictModes=no -o UsePAM=no -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no"
    with signing.agent(signing.Signer(key, user, hosts.host_keys_of(reach))) as agent:
        options = {
            "ProxyCommand": f"{server} {by_key_only}",
            "UserKnownHostsFile": folder / "known_hosts",
            "StrictHostKeyChecking": "yes",
            "IdentityAgent": agent,
            "IdentityFile": "none",
            "PubkeyAuthentication": way,
            "BatchMode": "yes",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        done = subprocess.run(["ssh", "-F", "/dev/null", *words, "host", "true"], capture_output=True, check=False)
    assert not agent.exists()
    assert done.returncode == 0 or b"Permission denied (publickey)" in done.stderr, done.stderr
    return done.returncode == 0


SESSION, HOST_KEY = b"s" * 32, b"the key of the host"
ENDS: dict[str, bytes] = {"publickey": b"", "publickey-hostbound-v00@openssh.com": string(HOST_KEY)}


def login(public: bytes, *, method: str = "publickey", end: bytes = b"", **other: bytes) -> bytes:
    """What ssh has signed when it logs in, but for what is given otherwise."""
    words = {"session": SESSION, "user": b"deploy", "service": b"ssh-connection", "algorithm": b"ssh-ed25519"} | other
    return (
        string(words["session"]) + other.get("number", b"\x32") + string(words["user"]) + string(words["service"])
        + string(method.encode()) + other.get("signs", b"\x01") + string(words["algorithm"])
        + string(words.get("blob", public)) + end
    )  # fmt: skip


def asked(data: bytes, public: bytes, flags: bytes = b"\0\0\0\0") -> bytes:
    return b"\x0d" + string(public) + string(data) + flags


@pytest.mark.parametrize("method", ENDS)
def test_nothing_is_signed_but_this_user_s_login_by_this_key(method: str) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = signing.Signer(key, "deploy", frozenset({HOST_KEY}))
    public = string(b"ssh-ed25519") + string(key.public_key().public_bytes_raw())
    good = login(public, method=method, end=ENDS[method])
    others = {
        "nothing": b"",
        "a file": b"SSHSIG" + string(b"git") + string(b"") + string(b"sha512") + string(b"h" * 64),
        "no session": login(public, method=method, end=ENDS[method], session=b""),
        "a session that is no hash": login(public, method=method, end=ENDS[method], session=b"s" * 65),
        "another message": login(public, method=method, end=ENDS[method], number=b"\x33"),
        "another user": login(public, method=method, end=ENDS[method], user=b"root"),
        "another service": login(public, method=method, end=ENDS[method], service=b"ssh-userauth"),
        "another method": login(public, method="hostbased", end=ENDS[method]),
        "a question only": login(public, method=method, end=ENDS[method], signs=b"\0"),
        "another algorithm": login(public, method=method, end=ENDS[method], algorithm=b"ssh-rsa"),
        "another key": login(public, method=method, end=ENDS[method], blob=b"another"),
        "more than that": good + b"\0",
        "less than that": good[:-1],
        "another host": login(public, method=method, end=string(b"another")),
    }
    refused = bytes([signing.FAILURE])
    assert {name: signer.answer(asked(data, public)) for name, data in others.items()} == dict.fromkeys(others, refused)
    for request in (asked(good, b"other"), asked(good, public, b""), asked(good, public) + b"\0"):
        assert signer.answer(request) == refused
    (*signed, last) = (signer.answer(asked(good, public)) for _ in range(signing.MOST_LOGINS + 1))
    assert (set(signed), last) == ({signed[0]}, refused), "so many times, and no more"
    key.public_key().verify(signed[0][-64:], good)


def test_other_requests_are_refused() -> None:
    signer = signing.Signer(ed25519.Ed25519PrivateKey.generate(), "deploy", None)
    for request in (b"", b"\x0d", b"\x11", b"\x13", b"\x16locked", b"\x19", b"\x0bmore"):
        assert signer.answer(request) == bytes([signing.FAILURE])


@pytest.mark.parametrize(("flags", "algorithm"), [(0, None), (2, b"rsa-sha2-256"), (4, b"rsa-sha2-512")])
def test_an_rsa_key_signs_with_what_the_login_names_and_never_with_sha_1(
    tmp_path: Path, flags: int, algorithm: bytes | None
) -> None:
    path = made(tmp_path, ["rsa", "-b", "2048"])
    signer = signing.Signer(signing.read(path.read_text()), "deploy", None)
    public = base64.b64decode(path.with_suffix(".pub").read_text().split()[1])
    names = (b"ssh-rsa", b"rsa-sha2-256", b"rsa-sha2-512")
    said = {name: signer.answer(asked(login(public, algorithm=name), public, flags.to_bytes(4))) for name in names}
    assert [name for name, each in said.items() if each[0] == signing.SIGNATURE] == ([algorithm] if algorithm else [])


@pytest.mark.parametrize("text", ["", BROKEN, OTHER_CURVE])
def test_what_is_no_key_is_said_without_its_text(text: str) -> None:
    with pytest.raises(signing.BadKey) as bad:
        signing.read(text)
    assert "c2VjcmV0" not in str(bad.value)


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(signing.BadKey, match="passphrase"):
        signing.read(made(tmp_path, ["ed25519"], "a passphrase").read_text())


def test_a_request_that_comes_in_pieces_is_one(tmp_path: Path) -> None:
    signer = signing.Signer(signing.read(made(tmp_path, ["ed25519"]).read_text()), "deploy", None)
    request = asked(b"data", b"other")
    with signing.agent(signer) as agent, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.connect(str(agent))
        for byte in len(request).to_bytes(4) + request:
            asker.sendall(bytes([byte]))
        assert asker.recv(5, socket.MSG_WAITALL) == b"\0\0\0\x01" + bytes([signing.FAILURE])
