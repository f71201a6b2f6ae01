"""Pasted notes become a timeline: the common shapes, and that no line is ever lost."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.tickets import notes, timelines
from remediation.tickets.timelines import Entry, Timeline

DAY = date(2026, 11, 20)

INCIDENT = """\
# Disk full on log shippers

**Symptom:** /var/log at 98 %, forwarding stopped
on two hosts.

Root cause: journald has no cap.

## Timeline

- [23:54] Paged: disk_almost_full
- [00:05] root@log-ship-1:~# df -h /var/log
Filesystem     Type
/dev/vdb1      ext4

It is full.
00:12 - ran `journalctl --disk-usage`
```console
root@log-ship-1:/etc# grep -R maxage .

(no output)
# systemctl restart systemd-journald
```
2026-11-21T01:30:00+01:00 All calm.
| 02:20 | ana | closed |
|-------|-----|--------|
## Lessons
None.
"""


def at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_a_line_of_spaces_is_read_as_fast_as_any_other() -> None:
    assert [entry.text for entry in notes.read(f"ran{' ' * 60_000}x", day=DAY).entries] == [f"ran{' ' * 60_000}x"]
    assert [entry.command for entry in notes.read("ran  :  `true`\nRUN `false`", day=DAY).entries] == ["true", "false"]


def test_a_whole_incident_is_read() -> None:
    assert notes.read(INCIDENT, day=DAY) == Timeline(
        symptom="/var/log at 98 %, forwarding stopped\non two hosts.",
        root_cause="journald has no cap.",
        entries=(
            Entry(at(20, 23, 54), "Disk full on log shippers"),
            Entry(at(20, 23, 54), "Paged: disk_almost_full"),
            Entry(
                at(21, 0, 5),
                by="root",
                host="log-ship-1",
                command="df -h /var/log",
                output="Filesystem     Type\n/dev/vdb1      ext4",
            ),
            Entry(at(21, 0, 5), "It is full."),
            Entry(at(21, 0, 12), command="journalctl --disk-usage"),
            Entry(
                at(21, 0, 12),
                "in /etc",
                by="root",
                host="log-ship-1",
                command="grep -R maxage .",
                output="\n(no output)".strip(),
            ),
            Entry(at(21, 0, 12), command="systemctl restart systemd-journald"),
            Entry(at(21, 0, 30), "All calm."),
            Entry(at(21, 2, 20), "ana | closed"),
            Entry(at(21, 2, 20), "Lessons\nNone."),
        ),
    )


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("[02:14] Paged.", Entry(at(20, 2, 14), "Paged.")),
        ("02:14:59 Paged.", Entry(datetime(2026, 11, 20, 2, 14, 59, tzinfo=UTC), "Paged.")),
        ("* 02:14 UTC: Paged.", Entry(at(20, 2, 14), "Paged.")),
        ("**02:14** \N{EM DASH} Paged.", Entry(at(20, 2, 14), "Paged.")),
        ("2026-11-19 02:14 Paged.", Entry(at(19, 2, 14), "Paged.")),
        ("2026-11-19T02:14:00.250Z Paged.", Entry(at(19, 2, 14), "Paged.")),
        ("[2026-11-19T02:14:00-05:00] Paged.", Entry(at(19, 7, 14), "Paged.")),
        ("[02:14] $ uptime", Entry(at(20, 2, 14), command="uptime")),
        ("[02:14] [ana@web-1 ~]$ uptime", Entry(at(20, 2, 14), by="ana", host="web-1", command="uptime")),
        ("ana@web-1:~$ uptime", Entry(None, by="ana", host="web-1", command="uptime")),
        ("25:99 is no time", Entry(None, "25:99 is no time")),
        ("2026-13-40T02:14 is no day", Entry(None, "2026-13-40T02:14 is no day")),
        ("ratio 02:14:33:44", Entry(None, "ratio 02:14:33:44")),
    ],
)
def test_one_line_in_its_shape(line: str, entry: Entry) -> None:
    assert notes.read(line, day=DAY).entries == (entry,)


def test_a_command_may_go_on_on_the_next_line() -> None:
    (entry,) = notes.read("$ tar -c \\\n  /var/log\ndone", day=DAY).entries
    assert (entry.command, entry.output) == ("tar -c \\\n  /var/log", "done")


@pytest.mark.parametrize("start", ["", "# a", "[02:14] ", "$ ", "| ", "- ", "root@h:", "Root cause: ", "ran `", "**"])
@pytest.mark.parametrize("filling", [" ", "-", "|", "#", "`", "*", ":", "a", "a@", "[", "# ", "- "])
def test_a_very_long_line_costs_no_more_than_its_length(start: str, filling: str) -> None:
    """A pattern that tries every way to split a line would still be at it tomorrow."""
    line = f"{start}{filling * 60_000}x"
    told = notes.read(line, day=DAY)
    assert "x" in "".join([told.root_cause, *(entry.words + entry.command for entry in told.entries)])


SHAPES = (
    "{}",
    "  {}",
    "[02:14] {}",
    "[23:59] {}",
    "2026-11-20T02:14:00Z {}",
    "9999-12-31T23:59:00-23:00 {}",
    "- 02:14 {}",
    "| 02:14 | {} |",
    "$ {}",
    "$ {} \\",
    "# {}",
    "## {}",
    "root@{}:~# ls",
    "root@host:/{}# ls",
    "Root cause: {}",
    "**Symptom:** {}",
    "Timeline: {}",
    "ran `{}`",
    "```{}",
)
MARKS = (
    "",
    "```",
    "```console",
    "---",
    "## Timeline",
    "## Root cause",
    "Root cause:",
    "|---|---|",
    "Impact:",
    "\x00",
    "\r",
)


@given(st.lists(st.one_of(st.sampled_from(SHAPES), st.sampled_from(MARKS), st.text(max_size=30)), max_size=30))
def test_no_line_is_lost_and_none_is_told_twice(lines: list[str]) -> None:
    words = [f"word{number}x" for number in range(len(lines))]
    text = "\n".join(line.replace("{}", word) for line, word in zip(lines, words, strict=True))
    told = notes.read(text, day=DAY)
    pieces = [told.symptom, told.root_cause]
    pieces += [part for entry in told.entries for part in (entry.words, entry.command)]
    everything = "\n".join(pieces)
    for line, word in zip(lines, words, strict=True):
        assert everything.count(word) == line.count("{}")


@given(st.text())
def test_any_text_is_read_and_what_is_read_survives_being_kept(text: str) -> None:
    told = notes.read(text, day=DAY)
    if not list(timelines.problems_of(told)):
        again = timelines.from_text(timelines.text_of(told))
        assert timelines.text_of(again) == timelines.text_of(told)


@pytest.mark.parametrize(
    ("timeline", "place"),
    [
        (Timeline(), "entries"),
        (Timeline((Entry(None, "x"),)), "entries[0].at"),
        (Timeline((Entry(at(20, 2, 14)),)), "entries[0].text"),
        (Timeline((Entry(at(20, 2, 14), "x", output="y"),)), "entries[0].command"),
        (Timeline((Entry(at(20, 2, 14), "x", host="h" * 201),)), "entries[0].host"),
        (Timeline((Entry(at(20, 2, 14), "x", command="c" * 4_097),)), "entries[0].command"),
        (Timeline((Entry(at(20, 2, 14), "ü" * 40_000),)), "entries[0].output"),
        (Timeline((Entry(at(20, 2, 14), "x"),) * 101), "entries"),
        (Timeline((Entry(at(20, 2, 14), "x"),), symptom="s" * 2_001), "symptom"),
    ],
)
def test_what_cannot_be_kept_is_named_with_its_place(timeline: Timeline, place: str) -> None:
    assert [reason.field for reason in timelines.problems_of(timeline)] == [place]
