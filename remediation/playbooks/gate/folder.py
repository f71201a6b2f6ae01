"""Reads a role from a folder, and refuses what a role never holds: links, strange names, big files, other encodings."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from remediation.playbooks.gate.characters import shown
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.texts import MAX_BYTES, MAX_FILES, too_big

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
MAX_DEPTH = 4


class Unreadable(Exception):
    """The folder holds something that is not even looked into; carries the findings."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(finding.text for finding in findings))
        self.findings = findings


def read_folder(path: str | Path) -> dict[str, str]:
    """The text of every file below a folder by its path inside it. Raises Unreadable."""
    root = Path(path)
    if root.is_symlink() or not root.is_dir():
        raise Unreadable([Finding(str(path), 1, "layout", "This is not a folder.", "Name the folder of the role.")])
    files: dict[str, str] = {}
    findings: list[Finding] = []
    for inside in _walk(root, ""):
        problem = _problem(root, inside) if len(files) <= MAX_FILES else _too_many(inside)
        if problem:
            findings.append(problem)
            continue
        try:
            files[inside] = (root / inside).read_bytes().decode()
        except UnicodeDecodeError:
            findings.append(Finding(inside, 1, "text", "The file is not UTF-8.", "Save it as UTF-8."))
    if findings:
        raise Unreadable(sorted(findings))
    return files


def _walk(root: Path, below: str) -> Iterator[str]:
    """Everything that is no plain folder, by its path; folders are not entered through links, nor too deep."""
    with os.scandir(root / below) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            inside = f"{below}/{entry.name}".lstrip("/")
            if entry.is_dir(follow_symlinks=False) and PLAIN.fullmatch(entry.name) and inside.count("/") < MAX_DEPTH:
                yield from _walk(root, inside)
            else:
                yield inside


def _problem(root: Path, inside: str) -> Finding | None:
    """Why a file is not read; nothing if it may be."""
    name, kind = inside.rpartition("/")[2], os.lstat(root / inside)
    if not PLAIN.fullmatch(name):
        return Finding(shown(inside), 1, "layout", f"{name!r} is an odd name.", "Use letters, digits, _, - and dots.")
    if stat.S_ISLNK(kind.st_mode):
        return Finding(inside, 1, "layout", f"{inside} is a link.", "Put the file itself there.")
    if not stat.S_ISREG(kind.st_mode):
        return Finding(inside, 1, "layout", f"{inside} is no file.", "A role holds files only.")
    return too_big(inside) if kind.st_size > MAX_BYTES else None


def _too_many(inside: str) -> Finding:
    return Finding(inside, 1, "size", f"The role has more than {MAX_FILES} files.", "One role does one thing; cut it.")
