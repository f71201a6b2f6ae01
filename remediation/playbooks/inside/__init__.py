"""Programs that run inside the jail, as text: nothing here is imported by the product."""

from __future__ import annotations

from pathlib import Path


def text_of(name: str) -> str:
    """The text of one of these programs."""
    return Path(__file__).with_name(f"{name}.py").read_text()
