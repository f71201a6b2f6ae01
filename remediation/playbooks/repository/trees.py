"""A role as files of a git tree: the stream that commits it, and what a folder holds when it is read back."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from unicodedata import is_normalized

from remediation.playbooks.repository.git import Clone, Entry, Rejected

_PART = r"(?!\.git(/|$))\.?[A-Za-z0-9_][A-Za-z0-9_.-]*"
PATH = re.compile(f"{_PART}(/{_PART})*")
PLAIN, _LINK = "100644", "120000"
LONGEST_FILE = 200_000
MOST_FILES, LARGEST_ROLE = 1_000, 4_000_000
"""What is read of one folder. Nobody proves a role with more, and what others keep beside it has to fit into memory."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who a commit is by."""

    name: str
    email: str
    at: datetime

    @property
    def line(self) -> str:
        """As git writes it."""
        return f"{self.name} <{self.email}> {int(self.at.timestamp())} +0000"


def stream(*, base: str, folder: str, files: Mapping[str, str | bytes], message: str, by: Signature, ref: str) -> bytes:
    """For `git fast-import`: a commit on top of `base` in which `folder` holds exactly these files, as mark 1.

    Without a base it is the first commit, and without a folder the files are all there is.
    """
    parts = [
        f"commit {ref}\nmark :1\nauthor {by.line}\ncommitter {by.line}\n".encode(),
        _data(message),
        f"from {base}\nD {folder}\n".encode() if base else b"",
    ]
    for path, content in sorted(files.items()):
        if not PATH.fullmatch(path):
            raise Rejected(f"{path!r} is not the name of a file in a role.")
        parts += [f"M {PLAIN} inline {posixpath.join(folder, path)}\n".encode(), _data(content)]
    return b"".join([*parts, b"done\n"])


def read(clone: Clone, entries: Iterable[Entry], folder: str) -> tuple[dict[str, str], bool]:
    """The text of every plain text file in `folder`, path to text; and whether that is all of it, to the byte.

    A digest takes every way to write the same letters for one (NFC): a text that is written otherwise is not the same.
    """
    own = [entry for entry in entries if entry.kind != "tree" and entry.path.startswith(f"{folder}/")]
    small = [entry for entry in own if entry.kind == "blob" and entry.mode != _LINK and entry.size <= LONGEST_FILE]
    if len(small) > MOST_FILES or sum(entry.size for entry in small) > LARGEST_ROLE:
        return {}, False
    blobs = clone.blobs([entry.name for entry in small])
    texts = {entry.path.removeprefix(f"{folder}/"): _text(blobs[entry.name]) for entry in small}
    files = {path: text for path, text in texts.items() if text is not None and is_normalized("NFC", path)}
    is_all = len(files) == len(own) and all(is_normalized("NFC", text) for text in files.values())
    return files, is_all and all(entry.mode == PLAIN for entry in own)


def _text(blob: bytes) -> str | None:
    if b"\0" in blob:
        return None
    try:
        return blob.decode()
    except UnicodeDecodeError:
        return None


def _data(content: str | bytes) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return b"data %d\n%s\n" % (len(raw), raw)
