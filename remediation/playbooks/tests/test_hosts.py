"""How hosts are reached: what the file may say, and that a key stays a reference."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from remediation.playbooks import hosts

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=="
GOOD = f"address: 10.0.0.5, user: deploy, become: true, key: {{env: DEPLOY_KEY}}, host_key: '{HOST_KEY}'"


def loaded(folder: Path, text: str, name: str = "web-1") -> hosts.Host:
    path = folder / "hosts.yml"
    path.write_text(text)
    return hosts.load(path, name)


def test_a_file_names_hosts_by_ssh_and_folders_of_the_lab(tmp_path: Path) -> None:
    text = f"hosts:\n  web-1: {{{GOOD}, port: 2222}}\n  lab-1: {{folder: {tmp_path}}}\n"
    web, lab = (loaded(tmp_path, text, name) for name in ("web-1", "lab-1"))
    reach = web.reach
    assert isinstance(reach, hosts.Ssh)
    assert (reach.address, reach.port, reach.user, reach.becomes) == ("10.0.0.5", 2222, "deploy", True)
    assert reach.known_hosts == f"[10.0.0.5]:2222 {HOST_KEY}\n"
    assert lab.is_lab
    assert web.inventory == "web-1 (ssh deploy@10.0.0.5:2222, becoming root)"
    assert str(tmp_path) not in lab.inventory


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("{}", "web-1: address is a name or an IP address."),
        ("{folder: lab}", "web-1: folder is an absolute path."),
        ("{folder: /lab, port: 22}", "web-1: A host with folder has nothing else."),
        (f"{{{GOOD}, password: x}}", "web-1: password is not known here."),
        (f"{{{GOOD}, port: 70000}}", "web-1: port is a number from 1 to 65535."),
        (f"{{{GOOD}, port: true}}", "web-1: port is a number from 1 to 65535."),
        ("{address: '-oProxyCommand=x', key: {env: K}, host_key: x}", "web-1: address is a name or an IP address."),
        (f"{{address: h, user: 'a b', key: {{env: K}}, host_key: '{HOST_KEY}'}}", "web-1: user is the name of a user."),
        (f"{{address: h, key: secret, host_key: '{HOST_KEY}'}}", "web-1: key is a reference, one of"),
        (f"{{address: h, key: {{file: k}}, host_key: '{HOST_KEY}'}}", "web-1: key.file is an absolute path"),
        (f"{{address: h, key: {{command: vault}}, host_key: '{HOST_KEY}'}}", "web-1: key.command is a list of words"),
        ("{address: h, key: {env: K}}", "web-1: It needs host_key or known_hosts"),
        ("{address: h, key: {env: K}, host_key: 'x\ny'}", "web-1: host_key is a type and a key"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, values: str, reason: str) -> None:
    with pytest.raises(hosts.BadHosts) as bad:
        loaded(tmp_path, f"hosts:\n  web-1: {values}\n")
    assert bad.value.reasons[0].startswith(reason)


OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIQ=="
MARKED = f"# h {OTHER_KEY}\n\n@revoked * {OTHER_KEY}\nh ssh-ed25519 AAAAA\n|1|x=|y= {HOST_KEY} of the host\n"


@pytest.mark.parametrize(
    ("known_hosts", "keys"),
    [
        (MARKED, {base64.b64decode(HOST_KEY.split()[1])}),
        (f"{MARKED}@cert-authority *.example.com {OTHER_KEY}\n", None),
        ("", set()),
    ],
)
def test_the_keys_that_a_host_may_have_are_those_that_ssh_reads(
    tmp_path: Path, known_hosts: str, keys: set[bytes] | None
) -> None:
    (tmp_path / "known_hosts").write_text(known_hosts)
    values = f"address: h, key: {{env: K}}, known_hosts: {tmp_path / 'known_hosts'}"
    reach = loaded(tmp_path, f"hosts:\n  web-1: {{{values}}}\n").reach
    assert isinstance(reach, hosts.Ssh)
    assert hosts.host_keys_of(reach) == keys


@pytest.mark.parametrize("text", ["", "hosts: []\n", "web-1: {}\n", "hosts: {{\n", "hosts:\n  web-1: {folder: x}\n"])
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(hosts.BadHosts) as bad:
        loaded(tmp_path, text)
    assert str(tmp_path) not in str(bad.value)


def test_a_key_is_looked_up_only_when_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "key"
    kept.write_text(KEY)
    monkeypatch.setenv("DEPLOY_KEY", KEY)
    for reference in (f"{{file: {kept}}}", "{env: DEPLOY_KEY}", f"{{command: [cat, {kept}]}}"):
        text = f"hosts:\n  web-1: {{address: h, key: {reference}, host_key: '{HOST_KEY}'}}\n"
        host = loaded(tmp_path, text)
        assert isinstance(host.reach, hosts.Ssh)
        assert "c2VjcmV0" not in repr(host)
        assert hosts.key_of(host.reach) == KEY


@pytest.mark.parametrize(
    "reference", ["{env: NOT_SET}", "{file: /nowhere}", "{command: ['false']}", "{command: [echo, x]}"]
)
def test_a_key_that_cannot_be_had_is_said_without_what_was_found(tmp_path: Path, reference: str) -> None:
    host = loaded(tmp_path, f"hosts:\n  h: {{address: h, key: {reference}, host_key: '{HOST_KEY}'}}\n", "h")
    assert isinstance(host.reach, hosts.Ssh)
    with pytest.raises(hosts.BadHosts) as bad:
        hosts.key_of(host.reach)
    assert str(bad.value).startswith(("The key cannot be had by", "What command gives is no private key."))


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hosts.VARIABLE, raising=False)
    with pytest.raises(hosts.BadHosts, match="names no file"):
        hosts.named("web-1")
    (tmp_path / "hosts.yml").write_text(f"hosts:\n  lab-1: {{folder: {tmp_path}}}\n  web-2: {{address: web-2}}\n")
    monkeypatch.setenv(hosts.VARIABLE, str(tmp_path / "hosts.yml"))
    assert hosts.named("lab-1").is_lab
    with pytest.raises(hosts.BadHosts, match="no host web-1"):
        hosts.named("web-1")
    with pytest.raises(hosts.BadHosts, match="web-2: key is a reference"):
        hosts.named("web-2")
