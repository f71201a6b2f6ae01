"""Law 5 at the start of a process: it ends at once when its environment holds a secret that is not its business."""

from __future__ import annotations

from collections.abc import Mapping

from portal.launch import vault


def process_kind(name: str) -> str:
    """The kind of process this is, or the end of it."""
    if name not in vault.MAY_SEE:
        raise SystemExit(f"COUNTERSIGN_PROCESS={name!r} is unknown; it is one of: {', '.join(vault.MAY_SEE)}.")
    return name


def refuse_foreign_secrets(kind: str, environment: Mapping[str, str]) -> None:
    """End the process with one clear line if it was handed a secret outside its list."""
    if foreign := vault.foreign(kind, environment):
        allowed = ", ".join(sorted(vault.MAY_SEE[kind]))
        raise SystemExit(
            f"The {kind} process must not see {', '.join(foreign)}; it may see {allowed}. Unset and retry."
        )
