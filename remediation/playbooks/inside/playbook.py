"""Runs inside the jail as ansible-playbook: what it sends to a host has Python's compiled code beside each source.

A host whose Python is of the same version need not compile the same modules again for every task, which took longer
than most tasks do. Another Python does not look at it, and compiles the source that lies beside it. What was packed
when all of this was installed is not packed again.
"""

from __future__ import annotations

import ctypes.util
import gc
import hashlib
import importlib.util
import marshal
import os
import sys
import zipfile
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import ansible

INSTALLED = Path(ansible.__file__).parents[1]
PACKED = Path(sys.prefix, "modules", f"{ansible.__version__}-{sys.implementation.cache_tag}")
LOOK = Path("/job/library/countersign_state.py")
"""The module that looks at a host."""

KEPT = "ansiballz_cache"
"""Where Ansible keeps what it has packed, in its own folder for a play."""

UNCHECKED = (1).to_bytes(4, "little")
"""Compiled code that names its source by a digest, which nobody compares: both are written at the same moment."""


class Payload(zipfile.ZipFile):
    """The archive of a module, as Ansible fills it."""

    def writestr(self, entry: zipfile.ZipInfo, data: bytes | str) -> None:  # type: ignore[override]
        """Write a file, and of a source its compiled code too."""
        super().writestr(entry, data)
        if entry.filename.endswith(".py"):
            compiled = zipfile.ZipInfo(f"{entry.filename}c", entry.date_time)
            compiled.compress_type = entry.compress_type
            source = data.encode() if isinstance(data, str) else bytes(data)
            super().writestr(compiled, _compiled(entry.filename, source))


def _compiled(name: str, source: bytes) -> bytes:
    """A source as Python keeps it compiled (PEP 552)."""
    code = marshal.dumps(_named(_code(name, source), name))
    return importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source) + code


def _code(name: str, source: bytes) -> CodeType:
    """The code of a source; that of Ansible's own files is compiled already where they are installed."""
    installed = INSTALLED / name
    if installed.is_file() and installed.read_bytes() == source:
        found = SourceFileLoader(name, str(installed)).get_code(name)
        if found is not None:
            return found
    return compile(source, name, "exec", dont_inherit=True)


def _named(code: CodeType, name: str) -> CodeType:
    """The same code without a path of this machine."""
    parts = tuple(_named(each, name) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_filename=name, co_consts=parts)


def packed_of(module: Path) -> Path:
    """Where a module of our own lies packed: by what it says, so that another one is never taken for it."""
    return PACKED / hashlib.sha256(module.read_bytes()).hexdigest()


def main() -> None:
    """Be ansible-playbook, and then go without tidying up memory that goes anyway: that took a quarter of a look."""
    zipfile.ZipFile = Payload  # type: ignore[misc]
    # libc is in this process; to find it on disk a compiler is started
    ctypes.util.find_library = lambda _name: None  # type: ignore[assignment]
    gc.set_threshold(100_000, 50, 50)  # most of what a play makes stays: looking for what goes is a twentieth of it
    from ansible.cli import playbook  # noqa: PLC0415 - it prepares this process for Ansible as it is imported

    kept = Path(playbook.C.DEFAULT_LOCAL_TMP, KEPT)
    kept.mkdir()
    for packed in (*PACKED.glob("ansible.*"), *packed_of(LOOK).glob("*")):
        (kept / packed.name).symlink_to(packed)
    status = 0
    try:
        playbook.main(["ansible-playbook", *sys.argv[1:]])
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
