"""What the settings say about the role repository, and which addresses git may be sent to."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

FORGES = ("", "github")
GITHUB = "https://api.github.com"
BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
SCHEMES = {"https": "https", "ssh": "ssh", "http": "http", "git": "git"}
"""What a remote's URL may begin with, and git's name for that transport; the last two on this host only."""
_SSH = re.compile(r"(ssh://)?[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9.-]*(?(1)(:[0-9]{1,5})?/|:)(?!-)[A-Za-z0-9._~/-]+")
"""`ssh://git@host:22/path` and `git@host:path`."""
_FILE = re.compile(r"/[A-Za-z0-9._/-]+")
"""A path in which no sign means anything to ssh: it expands `%` and `~`, and ends a name at a space."""
_PATHS = "An absolute path of letters, digits, dots, hyphens and underscores."
_TOKEN = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Remote:
    """The role repository. An empty `url` means that there is none; `forge` is empty for a plain git remote.

    `key` and `known_hosts` are paths of files, for ssh.
    """

    url: str = ""
    branch: str = "main"
    forge: str = ""
    forge_url: str = GITHUB
    forge_repository: str = ""
    token: str = field(default="", repr=False)
    key: str = ""
    known_hosts: str = ""

    @property
    def transport(self) -> str:
        """The one transport that git may use."""
        if _SSH.fullmatch(self.url):
            return "ssh"
        return SCHEMES.get(urlsplit(self.url).scheme, "file")

    @property
    def login(self) -> str:
        """The credential as HTTP carries it."""
        return b64encode(f"x-access-token:{self.token}".encode()).decode()

    def hushed(self, said: bytes | str) -> str:
        """What others said, as it may be kept: without our credential, and without what no database stores."""
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        for secret in (self.token, self.login) if self.token else ():
            text = text.replace(secret, "[redacted:forge-token]")
        return text.replace("\x00", "\ufffd")


def remote(
    *,
    url: str,
    branch: str,
    forge: str,
    forge_url: str,
    forge_repository: str,
    token: str = "",
    key: str = "",
    known_hosts: str = "",
) -> Remote:
    """The repository that the settings describe; raises ImproperlyConfigured.

    A credential in the URL is refused: every process sees the URL, and only the general cluster FORGE_TOKEN (law 5).
    """
    if not url:
        return Remote()
    if _SSH.fullmatch(url):
        _refuse_files(key, known_hosts)
    else:
        _refuse_url("ROLE_REPOSITORY", url, is_repository=True)
    if not BRANCH.fullmatch(branch) or ".." in branch or branch.startswith("ai/"):
        raise ImproperlyConfigured(f"ROLE_REPOSITORY_BRANCH={branch!r} is not a branch that roles are merged into.")
    if forge not in FORGES:
        raise ImproperlyConfigured(f"ROLE_FORGE={forge!r} is unknown: leave it empty, or name one of github.")
    if forge:
        _refuse_url("ROLE_FORGE_URL", forge_url)
        if not REPOSITORY.fullmatch(forge_repository):
            raise ImproperlyConfigured("ROLE_FORGE_REPOSITORY names the repository on the forge as owner/name.")
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise ImproperlyConfigured("FORGE_TOKEN holds signs that no credential has: hand over one line of plain text.")
    return Remote(url, branch, forge, forge_url.rstrip("/"), forge_repository, token, key, known_hosts)


def _refuse_url(name: str, url: str, *, is_repository: bool = False) -> None:
    if is_repository and PurePosixPath(url).is_absolute():
        return
    parts = urlsplit(url)
    schemes = {"https", "http", "git"} if is_repository else {"https", "http"}
    if parts.scheme not in schemes or not parts.hostname or any(letter <= " " for letter in url):
        others = ", one for ssh (git@host:path or ssh://git@host/path), or an absolute path." if is_repository else "."
        raise ImproperlyConfigured(f"{name} is an https:// address{others}")
    if parts.username is not None or parts.password is not None:
        raise ImproperlyConfigured(f"{name} holds a credential: hand it to the general workers as FORGE_TOKEN.")
    if parts.scheme != "https" and not _is_here(parts.hostname):
        raise ImproperlyConfigured(f"{name}: use https; {parts.scheme} is for this host only.")


def _refuse_files(key: str, known_hosts: str) -> None:
    """The key's file is told to the general cluster alone; the host's key is no secret, and never taken on trust."""
    if not _FILE.fullmatch(known_hosts):
        text = "ROLE_REPOSITORY is reached by ssh: set ROLE_REPOSITORY_KNOWN_HOSTS to the file with the host's keys."
        raise ImproperlyConfigured(f"{text} {_PATHS}")
    if key and not _FILE.fullmatch(key):
        raise ImproperlyConfigured(f"FORGE_KEY names the file with the ssh key. {_PATHS}")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
