"""What tests of pull requests start from: a bare repository, git's own server on loopback, a network that fails."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from remediation.playbooks.repository import conf
from remediation.playbooks.repository.conf import Remote

HERE = "127.0.0.1"
PERSON = {
    "GIT_AUTHOR_NAME": "Petra",
    "GIT_AUTHOR_EMAIL": "petra@example.com",
    "GIT_COMMITTER_NAME": "Petra",
    "GIT_COMMITTER_EMAIL": "petra@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Bare:
    """A role repository, and the people who work in it with git."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            git(path.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(path))
            self.commit({"README.md": "Our roles.\n"})

    def commit(self, files: Mapping[str, str], *, branch: str = "main", start: str = "main") -> str:
        """A person commits these files to a branch, which begins at `start` if it is new."""
        with self.checked_out(branch, start) as work:
            for path, text in files.items():
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                (work / path).write_text(text)
            return self.push(work, branch, f"Change {', '.join(files)}")

    def merge(self, branch: str, *, squash: bool = False) -> str:
        """A person merges a branch, or takes its changes over as a commit of their own."""
        with self.checked_out("main") as work:
            git(work, "merge", "--quiet", *(["--squash"] if squash else ["--no-ff", "--no-edit"]), f"origin/{branch}")
            return self.push(work, "main", f"Take over {branch}")

    def remove(self, branch: str) -> None:
        """A person removes a branch."""
        self.run("branch", "-D", branch)

    def hook(self, name: str, script: str) -> None:
        """Something that the server runs when somebody pushes."""
        path = self.path / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def branches(self) -> dict[str, str]:
        """The newest commits of all branches."""
        listed = self.run("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
        return dict(line.split(" ") for line in listed)

    def files(self, branch: str = "main") -> dict[str, str]:
        """Every file of a branch."""
        paths = self.run("ls-tree", "-r", "--name-only", branch).splitlines()
        return {path: self.run("show", f"{branch}:{path}") for path in paths}

    @contextmanager
    def checked_out(self, branch: str, start: str = "main") -> Iterator[Path]:
        """A person's working tree on a branch."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / "work"
            git(Path(folder), "clone", "--quiet", str(self.path), str(work))
            if known := self.branches():
                git(work, "checkout", "--quiet", "-B", branch, f"origin/{branch if branch in known else start}")
            yield work

    def push(self, work: Path, branch: str, message: str) -> str:
        """A person commits what is in a working tree, and pushes it."""
        git(work, "add", "--all")
        if git(work, "status", "--porcelain"):
            git(work, "commit", "--quiet", "--message", message)
        git(work, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return git(work, "rev-parse", "HEAD").strip()

    def message(self, branch: str) -> str:
        """What the newest commit of a branch says."""
        return self.run("log", "-1", "--format=%B", branch)

    def run(self, *arguments: str) -> str:
        """Git, in the repository itself."""
        return git(self.path, *arguments)


class Network:
    """Stands between git and its server, which begins anew for every connection, as inetd would have it.

    The repositories are those in `folder`, and anybody here may push. `loses` is what gets lost: everything, the pack
    of a push, or its answer.
    """

    def __init__(self, folder: Path) -> None:
        self.loses: Literal["", "everything", "pack", "answer"] = ""
        self._folder = folder
        self._listening = socket.create_server((HERE, 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Nobody answers any more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=[client], daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            length = client.recv(4, socket.MSG_WAITALL)
            asked = length + client.recv(int(length, 16) - len(length), socket.MSG_WAITALL)
            if self.loses == "everything":
                return
            with _git_server(self._folder) as server:
                server.sendall(asked)
                self._pass_both(client, server, self.loses if b"git-receive-pack" in asked else "")

    @staticmethod
    def _pass_both(client: socket.socket, server: socket.socket, loses: str) -> None:
        """Until either side has said everything; a lost answer is swallowed until the server is done."""
        has_pushed = False
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                if ready is client and loses == "pack":
                    server.sendall(data[: len(data) // 2])
                    return
                has_pushed |= ready is client
                if ready is client or not (has_pushed and loses == "answer"):
                    (server if ready is client else client).sendall(data)


@contextmanager
def _git_server(folder: Path) -> Iterator[socket.socket]:
    """`git daemon` for one connection, and our end of it."""
    ours, its = socket.socketpair()
    command = ["git", "daemon", "--inetd", "--log-destination=none", "--export-all", "--enable=receive-pack"]
    with ours:
        with its:
            server = subprocess.Popen(
                [*command, f"--base-path={folder}"],
                env={**os.environ, **PERSON},
                stdin=its.fileno(),
                stdout=its.fileno(),
                stderr=subprocess.DEVNULL,
            )
        try:
            yield ours
        finally:
            ours.close()
            server.wait()


def remote(url: str, **changes: Any) -> Remote:
    """The setting for a repository."""
    given = {"branch": "main", "forge": "", "forge_url": conf.GITHUB, "forge_repository": "", **changes}
    return conf.remote(url=url, **given)


def git(where: Path, *arguments: str) -> str:
    """What git says to a person."""
    program = shutil.which("git") or "git"
    done = subprocess.run(
        [program, *arguments], cwd=where, env={**os.environ, **PERSON}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout
