"""Packs the gate into one file that runs with Python and PyYAML alone, for the CI of a role repository."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from remediation.playbooks.gate.shapes import Scope

HERE = Path(__file__).parent
INSIDE = "remediation/playbooks/gate"
START = '''"""Runs the static gate for Ansible roles."""

import sys

if sys.version_info < (3, 10):
    sys.stderr.write("The gate needs Python 3.10 or newer.\\n")
    sys.exit(2)
try:
    from remediation.playbooks.gate.command import main
except ModuleNotFoundError as error:
    sys.stderr.write(f"The gate needs PyYAML: {error}.\\n")
    sys.exit(2)
sys.exit(main())
'''
SHEBANG = b"#!/usr/bin/env python3\n"
WHEN = (1980, 1, 1, 0, 0, 0)
"""The same code gives the same bytes on every machine."""


def zipapp(path: str | Path) -> Path:
    """Write the gate to `path` and return it."""
    out = Path(path)
    out.write_bytes(packed())
    out.chmod(0o755)
    return out


def packed() -> bytes:
    """The file itself; equal code gives equal bytes."""
    files = {"__main__.py": START, "remediation/__init__.py": "", "remediation/playbooks/__init__.py": ""}
    files |= {f"{INSIDE}/{source.name}": source.read_text() for source in sorted(HERE.glob("*.py"))}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, WHEN), text, zipfile.ZIP_DEFLATED)
    return SHEBANG + buffer.getvalue()


def scope_text(name: str, scope: Scope) -> str:
    """The `scope.yml` that the packed gate reads beside the folders of a role; every word in quotes is a word."""
    lines = ["---", f"name: {json.dumps(name)}"]
    for key, values in (("paths", scope.paths), ("services", scope.services), ("packages", scope.packages)):
        lines += [f"{key}:", *(f"  - {json.dumps(value)}" for value in values)] if values else [f"{key}: []"]
    return "\n".join([*lines, ""])
