"""Packs the modules that roles may use as Ansible sends them, once, when it is installed: `make` runs it.

Left to itself Ansible does that in every play again, for each module that the play uses.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from remediation.playbooks.gate.modules import MODULES
from remediation.playbooks.inside.playbook import KEPT, LOOK, PACKED, Payload, packed_of

OWN = Path(__file__).with_name(LOOK.name)
COMPRESSION = "ZIP_DEFLATED"
"""As the settings of a play have it."""


def main() -> None:
    """Leave them where every play looks, under the names by which Ansible keeps them during one."""
    with tempfile.TemporaryDirectory(dir=sys.prefix) as scratch:
        os.environ |= {"ANSIBLE_HOME": scratch, "ANSIBLE_LOCAL_TEMP": scratch}
        zipfile.ZipFile = Payload  # type: ignore[misc]
        packed = _packed()
        new = Path(scratch, "new")
        own = new / packed_of(OWN).name
        own.mkdir(parents=True)
        for each in packed.glob("*-none"):
            shutil.copy(each, own if LOOK.stem in each.name else new)
        shutil.rmtree(PACKED, ignore_errors=True)
        PACKED.parent.mkdir(exist_ok=True)
        shutil.move(new, PACKED)


def _packed() -> Path:
    """Have Ansible pack them, and our own; some names of modules stand for what it does itself, and are left out."""
    from ansible import cli, constants  # noqa: F401, PLC0415 - the first prepares this process for Ansible
    from ansible.executor import module_common  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.plugins.loader import init_plugin_loader, module_loader  # noqa: PLC0415
    from ansible.template import Templar  # noqa: PLC0415

    init_plugin_loader([])
    paths = {name: module_loader.find_plugin(f"ansible.builtin.{name}") for name in sorted(MODULES)}
    for name, path in (paths | {LOOK.stem: str(OWN)}).items():
        module_common.modify_module(
            module_name=name,
            module_path=path,
            module_args={},
            templar=Templar(DataLoader()),
            task_vars={"ansible_python_interpreter": sys.executable},
            module_compression=COMPRESSION,
        )
    return Path(constants.DEFAULT_LOCAL_TMP, KEPT)


if __name__ == "__main__":
    main()
