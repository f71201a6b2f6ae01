"""A diff loses nothing, invents nothing and lets nothing through unescaped."""

from __future__ import annotations

import difflib
import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.diff import Diff, diff_of, unified

PATHS = st.sampled_from(["main.yml", "run.sh", "draft.json", "notes.txt", ""])
TEXTS = st.text(alphabet=st.sampled_from("ab:-# \"'<>&{}|$\n\r\t\u2028\x0b"), max_size=120)


def old_text(diff: Diff) -> str:
    return "".join(row.text for row in diff.rows if row.kind in ("same", "removed"))


def new_text(diff: Diff) -> str:
    return "".join(row.text for row in diff.rows if row.kind in ("same", "added"))


def shown(markup: str) -> str:
    """What a browser would show of a row: without tags, with the named characters put back."""
    named = re.sub(r'<span class="odd"[^>]*>U\+([0-9A-F]+)</span>', lambda m: chr(int(m[1], 16)), markup)
    return html.unescape(re.sub(r"</?(span|mark)[^<>]*>", "", named))


@given(old=TEXTS, new=TEXTS, path=PATHS)
def test_both_texts_can_be_rebuilt_from_the_rows(old: str, new: str, path: str) -> None:
    diff = diff_of(old, new, path=path, context=None)
    assert (old_text(diff), new_text(diff)) == (old, new)
    assert diff.added == sum(row.kind == "added" for row in diff.rows)


@given(old=TEXTS, new=TEXTS, path=PATHS)
def test_every_row_shows_exactly_its_text(old: str, new: str, path: str) -> None:
    for row in diff_of(old, new, path=path, context=None).rows:
        assert shown(row.html) == row.text.removesuffix("\n")


@given(old=TEXTS, new=TEXTS, path=PATHS)
def test_only_our_own_tags_appear(old: str, new: str, path: str) -> None:
    for row in diff_of(old, new, path=path).rows:
        tags = set(re.findall(r"<[^>]*>", re.sub(r' (class|title)="[\w +-]*"', "", row.html)))
        assert tags <= {"<span>", "</span>", "<mark>", "</mark>"}


@given(old=TEXTS, new=TEXTS, context=st.integers(0, 4))
def test_gaps_account_for_every_line_left_out(old: str, new: str, context: int) -> None:
    diff = diff_of(old, new, context=context)
    rows = sum(row.kind in ("same", "added") for row in diff.rows)
    assert rows + sum(row.skipped for row in diff.rows) == len(re.split(r"(?<=\n)", new)) - (not new or new[-1] == "\n")


def test_the_changed_words_are_marked_on_both_sides() -> None:
    rows = diff_of("age: 14 days\n", "age: 30 days\n").rows
    assert [re.findall("<mark>(.*?)</mark>", row.html) for row in rows] == [["14"], ["30"]]


def test_lines_that_have_nothing_in_common_are_not_marked() -> None:
    rows = diff_of("restart journald\n", "0644\n").rows
    assert all("<mark>" not in row.html for row in rows)


def test_a_missing_line_end_is_a_visible_change() -> None:
    rows = diff_of("mode: 1\n", "mode: 1").rows
    assert [(row.kind, row.unfinished) for row in rows] == [("removed", False), ("added", True)]


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\r", "\x00", "\xad"])
def test_a_hidden_character_is_named(hidden: str) -> None:
    (row,) = diff_of("", f"rm -rf /tmp{hidden}/x\n").rows
    assert f"U+{ord(hidden):04X}" in row.html


def test_review_comments_are_flagged_where_they_still_stand() -> None:
    rows = diff_of("a  # REVIEW: old\n", "b  # REVIEW: new\n").rows
    assert [row.flagged for row in rows] == [False, True]


@given(old=st.text(alphabet="ab\n", max_size=60), new=st.text(alphabet="ab\n", max_size=60))
def test_the_unified_diff_is_the_one_that_everybody_knows(old: str, new: str) -> None:
    known = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="")
    assert unified(old, new) == "\n".join(list(known)[2:])


def lines(changed: str, between: str) -> str:
    return "".join(f"{between}{number}\n{changed}{number}\n" for number in range(800))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lines("u", "x"), lines("v", "x")),
        (lines("u", "\n"), lines("v", "\n")),
        ("a\nb\n" * 2_000, "b\na\n" * 2_000),
        ("a b " * 100_000, "b a " * 100_000),
        ("ab" * 200_000, "ba" * 200_000),
        (" ".join(f"x u{n}" for n in range(280)), " ".join(f"x v{n}" for n in range(280))),
    ],
    ids=["every second line", "blank lines", "swapped lines", "swapped words", "swapped letters", "every second word"],
)
def test_no_text_makes_anybody_wait_for_its_diff(old: str, new: str) -> None:
    """Each of these once took most of a minute, if not days."""
    diff = diff_of(old, new, context=None)
    assert (old_text(diff), new_text(diff)) == (old, new)
    assert unified(old, new)
