"""The runbooks that ship with the product, read from their files. Pure but for the reading."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from remediation.knowledge.procedures import Procedure, parse

FOLDER = Path(__file__).parent / "runbooks"


def texts() -> dict[str, str]:
    """Every shipped runbook's Markdown by its file's name without the ending."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}


@lru_cache(maxsize=512)
def parsed(text: str) -> Procedure:
    """The runbook behind a text; parsed once per process, since the drafter needs all of them for every ticket."""
    return parse(text)
