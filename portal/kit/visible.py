"""Makes visible what a text could hide from its reader: control characters and letters that change the direction.

People sign what they saw (law 3); a command must not look different from what a worker would run.
"""

from __future__ import annotations

import re
import unicodedata

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

_ODD = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f])"
)

_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing."""


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing: only white space, hidden characters, marks without a letter to stand on."""
    return all(char in _FILLERS or unicodedata.category(char)[0] in "ZCM" for char in text)


def visible(text: str) -> SafeString:
    """HTML of a text in which every hidden character is a named mark; tabs and line ends stay as they are."""
    return format_html_join("", "{}", ((_part(part),) for part in _ODD.split(text)))


def unbroken(text: str) -> SafeString:
    """The same for a command that wraps: only white space may end a line, never the middle of an option."""
    words = re.split(r"(\s+)", text)
    parts = (format_html('<span class="word">{}</span>', visible(w)) if w.strip() else visible(w) for w in words)
    return format_html_join("", "{}", ((part,) for part in parts))


def _part(part: str) -> SafeString:
    if not _ODD.fullmatch(part):
        return escape(part)
    name = unicodedata.name(part, "control character")
    return SafeString(f'<span class="odd" title="{name.capitalize()}">U+{ord(part):04X}</span>')
