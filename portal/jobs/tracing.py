"""What an exception leaves behind for those who look after jobs: its words and the way it took, without secrets."""

from __future__ import annotations

import traceback

from portal.kit import redaction

LONGEST = 8_000
CUT = "[cut here: the beginning is missing]\n"
WITHHELD = "[withheld: secrets could not be looked for]"


def words_of(error: BaseException) -> str:
    """Its type and what it says, in one line or more."""
    return f"{type(error).__name__}: {_clean(str(error))}"


def trace_of(error: BaseException) -> str:
    """Where it came from, the innermost call last, with the exceptions behind it; of a long one the end."""
    text = _clean("".join(traceback.format_exception(error)))
    return text if len(text) <= LONGEST else CUT + text[len(CUT) - LONGEST :]


def _clean(text: str) -> str:
    try:
        return redaction.redact(text).text
    except redaction.RedactionFailed:
        return WITHHELD
