"""What a letter says: a plain mail, or the body of a webhook. Redacted, because it leaves the site."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from urllib.parse import urljoin
from uuid import UUID

from portal.kit import redaction
from portal.notices.kinds import kind_of

VERSION = 1
LONGEST_SUBJECT = 150
MOST_LINES = 50
WITHHELD = "[withheld: secrets could not be looked for; open the link to read it]"


@dataclass(frozen=True, slots=True)
class Said:
    """One message as it is put into a letter."""

    uid: UUID
    kind: str
    ticket_key: str
    text: str
    path: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """Messages with the same words, as one; path and time are the newest's."""

    text: str
    path: str
    count: int
    at: datetime


def safe(text: str) -> str:
    """The text without secrets; nothing of it where they could not be looked for."""
    try:
        return redaction.redact(text).text
    except redaction.RedactionFailed:
        return WITHHELD


def subject_of(messages: Sequence[Said]) -> str:
    """One line of moderate length without control characters, so that no text from outside makes a header."""
    first = messages[0]
    more = f" (+{len(messages) - 1})" if len(messages) > 1 else ""
    words = "".join(letter if letter.isprintable() else " " for letter in safe(first.text)).split()
    subject = f"[Countersign] {kind_of(first.kind).title}: {' '.join(words)}"
    return subject[: LONGEST_SUBJECT - len(more)] + more


def mail_of(messages: Sequence[Said], *, site: str) -> str:
    """The text of a mail: what was said, the same words once, each with the way to the thing as it stands now."""
    lines = lines_of(messages)
    shown = [f"{_counted(line)}\n{urljoin(site, line.path)}" for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"And {len(lines) - MOST_LINES} more: {urljoin(site, '/notices')}")
    why = f"You get this because notices of the kind “{kind_of(messages[0].kind).title}” come to you by e-mail."
    choose = f"Choose what does: {urljoin(site, '/notices/preferences')}"
    asks = "Nothing happens by opening a link: whatever it asks you to decide is decided on the page."
    return "\n\n".join([*shown, f"-- \n{asks}\n{why}\n{choose}"]) + "\n"


def body_of(uid: UUID, kind: str, messages: Sequence[Said], *, site: str) -> bytes:
    """The JSON of a webhook; the same letter always gives the same bytes."""
    notices = [
        {
            "id": str(said.uid),
            "kind": said.kind,
            "ticket": said.ticket_key or None,
            "text": safe(said.text),
            "url": urljoin(site, said.path),
            "at": said.at.astimezone(UTC).isoformat(timespec="seconds"),
        }
        for said in messages
    ]
    return json.dumps({"version": VERSION, "id": str(uid), "kind": kind, "notices": notices}).encode()


def lines_of(messages: Sequence[Said]) -> list[Line]:
    """The messages, those with the same words joined, in the order in which each was first said."""
    order = {said.text: place for place, said in reversed(list(enumerate(messages)))}
    alike = groupby(sorted(messages, key=lambda said: order[said.text]), key=lambda said: said.text)
    joined = [(text, list(group)) for text, group in alike]
    return [Line(safe(text), same[-1].path, len(same), same[-1].at) for text, same in joined]


def _counted(line: Line) -> str:
    if line.count == 1:
        return line.text
    return f"{line.text}\n({line.count} times, the last at {line.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
