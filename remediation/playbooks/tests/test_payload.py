"""What Ansible sends to a host holds compiled code beside each source, and the host takes either."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
import zipfile
from pathlib import Path
from types import CodeType
from zipimport import zipimporter

import pytest
from ansible.module_utils.common import collections

from remediation.playbooks import playtext
from remediation.playbooks.inside.packing import COMPRESSION, OWN
from remediation.playbooks.inside.playbook import PACKED, Payload, packed_of

OURS, THEIRS = "countersign_sent.py", "ansible/module_utils/common/collections.py"


def sent(folder: Path) -> dict[str, CodeType]:
    """What a host runs of an archive with a module of ours and one of Ansible's, by its name."""
    path = str(folder / "payload.zip")
    with Payload(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in {OURS: b"TOLD = 'kept'\n", THEIRS: Path(collections.__file__).read_bytes()}.items():
            archive.writestr(zipfile.ZipInfo(name), source)
    return {name: zipimporter(path).get_code(name.removesuffix(".py")) for name in (OURS, THEIRS)}


def test_a_host_with_the_same_python_takes_the_compiled_code_and_sees_no_path_of_the_worker(tmp_path: Path) -> None:
    codes = sent(tmp_path)
    assert [code.co_filename for code in codes.values()] == [OURS, THEIRS]
    inner = [each for each in codes[THEIRS].co_consts if isinstance(each, CodeType)]
    assert {each.co_filename for each in inner} == {THEIRS}
    assert codes[OURS].co_names == ("TOLD",)


def test_a_host_with_another_python_compiles_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "MAGIC_NUMBER", b"old\n")
    archive = tmp_path / "payload.zip"
    assert [code.co_filename for code in sent(tmp_path).values()] == [f"{archive}/{OURS}", f"{archive}/{THEIRS}"]


@pytest.mark.parametrize("name", ["copy", "file", "setup", "stat", "systemd_service"])
def test_make_has_packed_what_plays_send(name: str) -> None:
    holds_compiled(PACKED / f"ansible.modules.{name}", f"ansible/modules/{name}.py")


def test_make_has_packed_our_own_look_as_it_is_now() -> None:
    holds_compiled(packed_of(OWN) / "ansible.legacy.countersign_state", "ansible/legacy/countersign_state.py")


def holds_compiled(path: Path, module: str) -> None:
    """The archive has the module, and beside each source its compiled code."""
    packed = path.with_name(f"{path.name}-{COMPRESSION}-none").read_bytes()
    begin = base64.b64encode(b"PK\x03\x04")[:5]
    archive = re.search(rb"%s[A-Za-z0-9+/]+=*" % re.escape(begin), packed)
    assert archive, "make .venv/installed packs them"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive[0]))) as opened:
        sources = {each for each in opened.namelist() if each.endswith(".py")}
        assert {f"{each}c" for each in sources} == set(opened.namelist()) - sources
        assert module in sources
    assert f"module_compression = {COMPRESSION}\n" in playtext.SETTINGS
