"""Law 5: a process refuses to start when its environment holds a secret that is not its business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# Which secrets each kind of process may see. A command typed by hand acts for its operator, who has the shell anyway.
MAY_SEE: dict[str, frozenset[str]] = {
    "web": frozenset({"SECRET_KEY"}),
    "drafting": frozenset({"SECRET_KEY", "ANTHROPIC_API_KEY"}),
    "probe": frozenset({"SECRET_KEY", "*_READ_TOKEN"}),
    "execution": frozenset({"*_READ_TOKEN", "*_WRITE_TOKEN"}),
    "general": frozenset({"MAIL_PASSWORD", "WEBHOOK_SECRET", "FORGE_TOKEN", "SEAL_KEY"}),
    "command": frozenset({"*"}),
}

# What counts as a secret, by the name it goes by.
SECRETS = (
    "*_KEY",
    "*_KEY_ID",
    "*_TOKEN",
    "*_SECRET",
    "*_PASSWORD",
    "*_CREDENTIALS",
    "KUBECONFIG",
    "PGPASSWORD",
    "SSH_AUTH_SOCK",
)
NOT_SECRET = frozenset({"GPG_KEY"})  # Python's container images name their signer's public key so


def process_kind(name: str) -> str:
    """The kind of process this is, or the end of it."""
    if name not in MAY_SEE:
        raise SystemExit(f"COUNTERSIGN_PROCESS={name!r} is unknown; it is one of: {', '.join(MAY_SEE)}.")
    return name


def foreign_secrets(kind: str, environment: Mapping[str, str]) -> list[str]:
    """Names of the secrets in `environment` that a process of this kind may not see; an empty value is no secret."""
    named = (name for name, value in environment.items() if value and name not in NOT_SECRET)
    return sorted(name for name in named if _matches(name, SECRETS) and not _matches(name, MAY_SEE[kind]))


def refuse_foreign_secrets(kind: str, environment: Mapping[str, str]) -> None:
    """End the process with one clear line if it was handed a secret outside its list."""
    if foreign := foreign_secrets(kind, environment):
        allowed = ", ".join(sorted(MAY_SEE[kind]))
        raise SystemExit(
            f"The {kind} process must not see {', '.join(foreign)} (it may see: {allowed}). Unset and retry."
        )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
