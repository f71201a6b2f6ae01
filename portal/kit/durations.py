"""Lengths of time in words. Pure; `app.js` counts on in the same words."""

from __future__ import annotations


def span(seconds: float) -> str:
    """A length of time in words: 0.8 s, 42 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 10:  # noqa: PLR2004 - tenths matter below
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
