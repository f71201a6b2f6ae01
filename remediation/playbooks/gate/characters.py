"""Characters that nobody sees, or that are no text: in a role they stand in no file, and YAML spells none of them."""

from __future__ import annotations

import unicodedata

STRANGE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks by their category that leave nothing on paper."""
NAMES = {"\t": "a tab", "\r": "a carriage return", "\n": "a line feed", "\ufeff": "a byte order mark"}


def hidden(text: str, *, allowed: str = "") -> str | None:
    """What the first character is that people do not see; None if they see all of them."""
    if text.isascii() and text.isprintable():
        return None
    for sign in text:
        if sign not in allowed and _is_hidden(sign):
            return NAMES.get(sign) or f"the invisible character U+{ord(sign):04X}"
    return None


def shown(text: str) -> str:
    """A text on one line, with a blank for every character that is none on paper."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)


def _is_hidden(sign: str) -> bool:
    category = unicodedata.category(sign)
    return sign in BLANK or category in STRANGE or (category == "Zs" and sign != " ")
