"""Runs git: a few commands in a temporary bare clone, with nothing of this machine's or the remote's own configuration.

No hooks, no prompts, no credential helpers, one transport, a time limit; no shell but the one in which git starts ssh,
with words of ours. A token goes by environment, never on a command line, and only over https or to this host; of an ssh
key nothing is handed on but the name of its file.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portal.jobs.outside import refuse_inside_transaction
from remediation.playbooks.repository.conf import Remote

COMMANDS = frozenset({"cat-file", "fast-import", "fetch", "init", "log", "ls-remote", "ls-tree", "push"})
"""All that is ever run. None of them merges."""
OURS = re.compile(r"refs/heads/ai/remediation-[0-9]+(-[0-9]{1,2})?")
"""The only branches that are ever written to."""
SECONDS = 60.0
LONGEST_OUTPUT = 64_000_000
LONGEST_WORDS = 1_000
_HANDED_ON = ("PATH", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
_REFUSED = re.compile(
    r"Authentication failed|could not read Username|returned error: (401|403|404)|[Rr]epository not found"
    r"|does not appear to be a git repository|not exported|dubious ownership|access denied"
    r"|Permission denied \(|Host key verification failed"
)
_TELLING = ("fatal:", "error:", "remote:", "ssh:")
_STALE = "(stale info)"
_EVERYTHING = 2**31 - 1
"""What git itself takes for the depth of a whole history."""


class Unreachable(Exception):
    """The repository did not answer, or not to the end: worth another try later."""


class Rejected(Exception):
    """The repository said no, or can never say yes: another try would end the same way."""


class Taken(Exception):
    """Somebody made a branch of that name first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree; a folder has the size 0."""

    mode: str
    kind: str
    name: str
    path: str
    size: int


class Clone:
    """A bare repository in a folder of its own that knows one remote; `name`s are git's names of objects."""

    def __init__(self, folder: Path, remote: Remote) -> None:
        self._folder = folder
        self._remote = remote
        self.run("init", "--quiet", "--bare", "--initial-branch=main", ".")

    def heads(self) -> dict[str, str]:
        """The newest commits of the remote's main branch and of our branches, by the branches' names."""
        wanted = (f"refs/heads/{self._remote.branch}", "refs/heads/ai/remediation-*")
        listed = self.run("ls-remote", "--heads", self._remote.url, *wanted).decode(errors="replace")
        pairs = (line.split("\t") for line in listed.split("\n") if line)
        return {ref.removeprefix("refs/heads/"): commit for commit, ref in pairs}

    def fetch(self, branch: str, *, with_history: bool = False) -> None:
        """Bring a branch of the remote here, without its history unless that is asked for."""
        depth = f"--depth={_EVERYTHING if with_history else 1}"
        self.run("fetch", "--quiet", "--no-tags", depth, self._remote.url, f"+refs/heads/{branch}:refs/seen/{branch}")

    def commit(self, stream: bytes) -> str:
        """Make a commit from a stream for `git fast-import` that marks it as :1; answers with its name."""
        marks = self._folder / "marks"
        self.run("fast-import", "--quiet", "--done", f"--export-marks={marks}", stdin=stream)
        made = marks.read_text().split()[1]
        marks.unlink()
        return made

    def push(self, commit: str, branch: str) -> None:
        """Make a new branch of ours on the remote; raises Taken where there is one of that name."""
        ref = f"refs/heads/{branch}"
        self._change(ref, f"--force-with-lease={ref}:", f"{commit}:{ref}")

    def remove(self, branch: str, commit: str) -> None:
        """Remove a branch of ours that still stands at this commit."""
        ref = f"refs/heads/{branch}"
        self._change(ref, f"--force-with-lease={ref}:{commit}", f":{ref}")

    def entries(self, commit: str, *folders: str) -> list[Entry]:
        """Every file and folder of a commit below these folders."""
        listed = self.run("ls-tree", "-r", "-t", "-l", "-z", commit, "--", *folders).decode(errors="replace")
        return [_entry(line) for line in listed.split("\0") if line]

    def blobs(self, names: Sequence[str]) -> dict[str, bytes]:
        """The contents of files by their names."""
        said = self.run("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode())
        found, at = {}, 0
        for name in names:
            end = said.index(b"\n", at)
            size = int(said[at:end].split()[2])
            found[name] = said[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return found

    def last_change(self, commit: str, path: str) -> tuple[str, str, datetime | None]:
        """The commit on the main line that changed `path` last: its name, its committer, and when if that is a time."""
        said = self.run("log", "-1", "--first-parent", "--format=%H%x00%cn%x00%cI", commit, "--", path)
        name, who, when = said.decode(errors="replace").strip().split("\0")
        return name, who, _moment(when)

    def run(self, command: str, *arguments: str, stdin: bytes = b"") -> bytes:
        """Output of one git command; raises Unreachable or Rejected."""
        code, output, said = self._run(command, arguments, stdin)
        if code:
            raise self._failure(said)
        return output

    def _change(self, ref: str, *arguments: str) -> None:
        if not OURS.fullmatch(ref):
            raise Rejected(f"{ref} is not a branch of ours.")
        lease, change = arguments
        code, output, said = self._run("push", ("--porcelain", "--no-verify", lease, self._remote.url, change), b"")
        if not code:
            return
        refused = [line for line in self._remote.hushed(output).splitlines() if line.startswith("!")]
        if not refused:
            raise self._failure(said)
        if _STALE in refused[0]:
            raise Taken(ref)
        heard = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
        words = " ".join([refused[0].split("\t")[-1], *filter(None, heard)])
        raise Rejected(words[:LONGEST_WORDS])

    def _run(self, command: str, arguments: Sequence[str], stdin: bytes) -> tuple[int, bytes, str]:
        if command not in COMMANDS:
            raise ValueError(f"git {command} is not run here")
        refuse_inside_transaction()
        git = shutil.which("git")
        if git is None:
            raise Rejected("There is no git on this host: install it.")
        if self._remote.transport == "ssh" and not self._remote.key:
            raise Rejected("The role repository is reached by ssh: set FORGE_KEY for the general workers.")
        with subprocess.Popen(
            [git, command, *arguments],
            cwd=self._folder,
            env=environment(self._folder, self._remote),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                output, said = process.communicate(stdin, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                raise Unreachable(f"git {command} took longer than {SECONDS:.0f} s.") from None
            finally:
                _end(process)
        if len(output) > LONGEST_OUTPUT:
            raise Rejected(f"git {command} answered with more than {LONGEST_OUTPUT:,} bytes.")
        return process.returncode, output, self._remote.hushed(said)

    def _failure(self, said: str) -> Exception:
        telling = [line for line in said.splitlines() if line.startswith(_TELLING) or _REFUSED.search(line)]
        words = " ".join(telling or said.splitlines()[-1:])[:LONGEST_WORDS] or "git ended without a word."
        return Rejected(words) if _REFUSED.search(words) else Unreachable(words)


@contextmanager
def cloned(remote: Remote) -> Iterator[Clone]:
    """A clone that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="countersign-git-") as folder:
        yield Clone(Path(folder), remote)


def environment(home: Path, remote: Remote) -> dict[str, str]:
    """All that a git process sees of the world."""
    config = {
        "core.hooksPath": "/dev/null",
        "core.fsmonitor": "false",
        "credential.helper": "",
        "fetch.fsckObjects": "true",
        "gc.auto": "0",
        "http.followRedirects": "false",
        "http.lowSpeedLimit": "100",
        "http.lowSpeedTime": "20",
        "maintenance.auto": "false",
        "protocol.allow": "never",
        f"protocol.{remote.transport}.allow": "always",
        "submodule.recurse": "false",
        **_credential(remote),
    }
    return {
        **{name: os.environ[name] for name in _HANDED_ON if name in os.environ},
        "GIT_ASKPASS": "/bin/false",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(home),
        "LC_ALL": "C",
        **_numbered(config),
        **_ssh(remote),
    }


def _ssh(remote: Remote) -> Mapping[str, str]:
    """How git starts ssh: with this key and these keys of hosts, and nothing else of this machine."""
    if remote.transport != "ssh":
        return {}
    options = {
        "BatchMode": "yes",
        "ClearAllForwardings": "yes",
        "ConnectTimeout": "15",
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": remote.key,
        "PasswordAuthentication": "no",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "UserKnownHostsFile": remote.known_hosts,
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return {"GIT_SSH_COMMAND": shlex.join(["ssh", "-F", "none", *words]), "GIT_SSH_VARIANT": "ssh"}


def _credential(remote: Remote) -> Mapping[str, str]:
    if not remote.token or remote.transport not in ("http", "https"):
        return {}
    return {"http.extraHeader": f"Authorization: Basic {remote.login}"}


def _numbered(config: Mapping[str, str]) -> dict[str, str]:
    numbered = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config.items()):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return numbered


def _entry(line: str) -> Entry:
    head, path = line.split("\t", 1)
    mode, kind, name, size = head.split()
    return Entry(mode, kind, name, path, int(size) if size.isdecimal() else 0)


def _moment(text: str) -> datetime | None:
    """A time of a commit; somebody may have written one that no calendar has."""
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """What git started ends with it; what got away from it is not waited for."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
