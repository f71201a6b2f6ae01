"""What the settings say about the role repository, and which addresses git may be sent to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

FORGES = ("", "github")
GITHUB = "https://api.github.com"
BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
SCHEMES = {"https": "https", "http": "http", "git": "git"}
"""What a remote's URL may begin with, and git's name for that transport; the unprotected two on this host only."""


@dataclass(frozen=True, slots=True)
class Remote:
    """The role repository. An empty `url` means that there is none; `forge` is empty for a plain git remote."""

    url: str = ""
    branch: str = "main"
    forge: str = ""
    forge_url: str = GITHUB
    forge_repository: str = ""
    token: str = field(default="", repr=False)

    @property
    def transport(self) -> str:
        """The one transport that git may use."""
        return SCHEMES[urlsplit(self.url).scheme] if "://" in self.url else "file"


def remote(*, url: str, branch: str, forge: str, forge_url: str, forge_repository: str, token: str = "") -> Remote:
    """The repository that the settings describe; raises ImproperlyConfigured.

    A credential in the URL is refused: every process sees the URL, and only the general cluster FORGE_TOKEN (law 5).
    """
    if not url:
        return Remote()
    _refuse_url("ROLE_REPOSITORY", url, paths=True)
    if not BRANCH.fullmatch(branch) or ".." in branch or branch.startswith("ai/"):
        raise ImproperlyConfigured(f"ROLE_REPOSITORY_BRANCH={branch!r} is not a branch that roles are merged into.")
    if forge not in FORGES:
        raise ImproperlyConfigured(f"ROLE_FORGE={forge!r} is unknown: leave it empty, or name one of github.")
    if forge:
        _refuse_url("ROLE_FORGE_URL", forge_url, paths=False)
        if not REPOSITORY.fullmatch(forge_repository):
            raise ImproperlyConfigured("ROLE_FORGE_REPOSITORY names the repository on the forge as owner/name.")
    return Remote(url, branch, forge, forge_url.rstrip("/"), forge_repository, token)


def _refuse_url(name: str, url: str, *, paths: bool) -> None:
    if paths and PurePosixPath(url).is_absolute():
        return
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname or any(letter <= " " for letter in url):
        raise ImproperlyConfigured(f"{name} is an https:// address" + (" or an absolute path." if paths else "."))
    if parts.username is not None or parts.password is not None:
        raise ImproperlyConfigured(f"{name} holds a credential: hand it to the general workers as FORGE_TOKEN.")
    if parts.scheme != "https" and not _is_here(parts.hostname):
        raise ImproperlyConfigured(f"{name}: use https; {parts.scheme} is for this host only.")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
