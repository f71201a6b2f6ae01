"""The files as text, before anything is parsed: which files there are, their size, their characters, and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from remediation.playbooks.gate.characters import hidden
from remediation.playbooks.gate.reading import HEADER
from remediation.playbooks.gate.roles import BACKOUT, MAIN, VERIFY
from remediation.playbooks.gate.shapes import Finding

ALLOWED = re.compile(
    r"tasks/[a-z0-9_]+\.yml|handlers/main\.yml|defaults/main\.yml|meta/main\.yml|templates/[a-z0-9][a-z0-9_.-]*\.j2"
)
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
REQUIRED = {
    MAIN: "what should be",
    BACKOUT: "the way back",
    VERIFY: "how to see that it worked",
}
MAX_BYTES = 65_536
MAX_FILES = 60
MAX_TOTAL = 262_144
LAYOUT = "tasks/*.yml, handlers/main.yml, defaults/main.yml, templates/*.j2 and meta/main.yml"
CONTROLLER = re.compile(r"\b(?:lookup|query|q)\s*\(\s*['\"]")
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}"),
    "a token": re.compile(
        r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{22,}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,})"
    ),
    "a signed token": re.compile(r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\."),
    "the hash of a password": re.compile(r"\$(?:1|2[aby]|5|6|y)\$[./0-9A-Za-z$=,]{12,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"{}]{1,100}:[^\s/@'\"{}]{1,100}@"),
    "a password": re.compile(
        r"(?i)\b[\w-]{0,40}(?:passw(?:or)?d|passphrase|secret|api_?key|access_?key|auth_?token|bearer)\b[\w-]{0,40}\s{0,9}[:=]\s{0,9}"
        r"(?!\s*(?:['\"]?\s*(?:\{\{|/[\w./-]+['\"]?$|$)|['\"]{2}|true\b|false\b|null\b|~|no\b|yes\b|none\b|files\b|compat\b))"
        r"['\"]?[^\s'\"#]{4,}"
    ),
    "a vault": re.compile(r"\$ANSIBLE_VAULT"),
}


def of_name(name: str) -> Iterator[Finding]:
    """The name of the role."""
    if not NAME.fullmatch(name) or name.startswith("ansible"):
        text = f"{name!r} is no name of a role."
        yield Finding("role", 1, "name", text, "Use 2 to 40 small letters, digits and underscores; not ansible.")


def of_files(files: Mapping[str, str]) -> Iterator[Finding]:
    """Which files there are, and how big."""
    for path, purpose in REQUIRED.items():
        if path not in files:
            yield Finding(
                path, 1, "layout", f"{path} is missing: {purpose}.", "Write it; a role without it is no draft."
            )
    if len(files) > MAX_FILES or sum(len(text) for text in files.values()) > MAX_TOTAL:
        text = f"The role has more than {MAX_FILES} files or {MAX_TOTAL // 1024} KB."
        yield Finding("role", 1, "size", text, "One role does one thing; cut it.")
    for path in files:
        if not ALLOWED.fullmatch(path):
            yield Finding(
                path, 1, "layout", f"{path!r} has no place in a role.", f"A role holds {LAYOUT}; nothing else."
            )


def is_small(text: str) -> bool:
    """Whether a file is looked into at all."""
    return len(text) <= MAX_BYTES and len(text.encode("utf-8", "surrogatepass")) <= MAX_BYTES


def too_big(path: str) -> Finding:
    """A file that is not even read."""
    return Finding(
        path, 1, "size", f"{path} is bigger than {MAX_BYTES // 1024} KB.", "A file that people read is smaller."
    )


def of_text(path: str, text: str) -> Iterator[Finding]:
    """What is wrong with the characters of a file, and what should not stand in any."""
    for number, line in enumerate(text.split("\n"), 1):
        yield from _characters(path, number, line, is_yaml=path.endswith(".yml"))
        yield from _controller(path, number, line)
        for what, pattern in SECRETS.items():
            if pattern.search(line):
                mend = (
                    "Take it out, and change it where it is valid; a role names secrets of the host by their file only."
                )
                yield Finding(path, number, "secret", f"This looks like {what}.", mend)


def _characters(path: str, number: int, line: str, *, is_yaml: bool) -> Iterator[Finding]:
    what = hidden(line, allowed="" if is_yaml else "\t")
    if what:
        mend = "Use plain spaces and line feeds; write tabs as \\t in double quotes."
        yield Finding(path, number, "text", f"The line has {what} in it.", mend)


def _controller(path: str, number: int, line: str) -> Iterator[Finding]:
    if HEADER.search(line):
        text = "A #jinja2: header changes what marks a template."
        yield Finding(path, number, "template", text, "Leave the header out.")
    found = CONTROLLER.search(line)
    if found:
        text = f"{found.group().split('(')[0].strip()} runs on the controller and may read or execute anything there."
        yield Finding(path, number, "template", text, "Write the value into defaults/main.yml.")
