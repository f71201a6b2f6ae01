"""Which process may hold which secret (law 5), and the folder where an installation keeps those it makes itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

# A command typed by hand acts for its operator, who has the shell anyway.
MAY_SEE: dict[str, frozenset[str]] = {
    "web": frozenset({"SECRET_KEY"}),
    "drafting": frozenset({"SECRET_KEY", "ANTHROPIC_API_KEY"}),
    "probe": frozenset({"SECRET_KEY", "*_READ_TOKEN"}),
    "execution": frozenset({"*_READ_TOKEN", "*_WRITE_TOKEN", "ANSIBLE_HOSTS"}),
    "general": frozenset({"MAIL_PASSWORD", "FORGE_KEY", "FORGE_TOKEN", "SEAL_KEY"}),
    "command": frozenset({"*"}),
    "lab": frozenset({"LAB_*_TOKEN"}),
}

# What counts as a secret, by the name it goes by.
SECRETS = (
    "*_KEY",
    "*_KEY_ID",
    "*_TOKEN",
    "*_SECRET",
    "*_PASSWORD",
    "*_CREDENTIALS",
    "ANSIBLE_HOSTS",  # it names keys, and how each host is reached
    "KUBECONFIG",
    "PGPASSWORD",
    "SSH_AUTH_SOCK",
)
NOT_SECRET = frozenset({"GPG_KEY"})  # Python's container images name their signer's public key so


def foreign(process: str, environment: Mapping[str, str]) -> list[str]:
    """Names of the secrets in `environment` that such a process may not see; an empty value is no secret."""
    named = (name for name, value in environment.items() if value and name not in NOT_SECRET)
    return sorted(name for name in named if _matches(name, SECRETS) and not _matches(name, MAY_SEE[process]))


def without_foreign(process: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What is left of `environment` for such a process."""
    hidden = set(foreign(process, environment))
    return {name: value for name, value in environment.items() if name not in hidden}


class Keeper:
    """Secrets that the first start makes up and later starts find again, one file each, for their owner only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def get(self, name: str) -> str:
        """The kept secret of that name, made now if there is none."""
        path = self._folder / name
        if not path.exists():
            self.put(name, secrets.token_urlsafe(32))
        return path.read_text()

    def put(self, name: str, value: str) -> None:
        """Keep `value`; written whole or not at all."""
        unfinished = self._folder / f"{name}.unfinished"
        unfinished.touch(mode=0o600)
        unfinished.write_text(value)
        unfinished.replace(self._folder / name)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
