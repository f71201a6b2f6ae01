"""Numbers with their noun. Pure."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """“1 answer”, “0 answers”; for nouns whose plural ends in s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
