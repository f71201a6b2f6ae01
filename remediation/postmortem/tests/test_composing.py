"""The text of a postmortem: nothing that anybody wrote becomes markup, and the same record gives the same text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit import markdown
from remediation.postmortem import composing
from remediation.postmortem.telling import (
    Action,
    Cause,
    Cited,
    Difference,
    Happened,
    Opinion,
    Piece,
    Record,
    Shown,
    Wrong,
)

AT = datetime(2026, 5, 4, 3, 12, 9, tzinfo=UTC)
EMPTY = Record("Postmortem of INC-1: Disk", (), None, (), (), (), (), (), (), (), ())
SECTIONS = [
    "Summary",
    "Timeline",
    "Evidence",
    "Hypothesis",
    "What the AI got wrong",
    "Decisions",
    "Proof",
    "What people changed",
    "Feedback",
    "Action items",
]


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_every_section_is_there_however_little_there_is_to_say() -> None:
    text = composing.text_of(EMPTY)
    assert headings(text) == SECTIONS
    assert "Nothing that the record shows" in text
    assert text == composing.text_of(EMPTY)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), max_size=60))
def test_no_text_is_markup_in_prose(text: str) -> None:
    html = markdown.html_of(f"- {composing.inline(text)}")
    assert " ".join(words(html).split()) == " ".join(text.split())
    assert set(re.findall(r"<(\w+)", html)) <= {"ul", "li"}


@pytest.mark.parametrize(
    "text", ["1. one", "12) twelve", "- dash", "+ plus", "=== ", "--- ", ". dot", "2026-05-04 03:12"]
)
def test_no_text_begins_a_list_or_draws_a_line(text: str) -> None:
    assert words(markdown.html_of(composing.inline(text))).strip() == text.strip()
    assert set(re.findall(r"<(\w+)", markdown.html_of(f"x\n{composing.inline(text)}"))) == {"p"}


def test_of_much_evidence_the_beginning_is_told() -> None:
    pieces = [Piece(f"E{n}", "Log", AT, "", "x" * 70_000) for n in range(1, 302)]
    text = composing.text_of(replace(EMPTY, evidence=pieces, differences=[Difference("a.yml", "+a\n" * 5_000)]))
    assert len(text) < 2 * composing.LONGEST_SECTION
    assert "more; the ticket has them all." in text
    assert headings(text) == SECTIONS


@pytest.mark.parametrize("text", ["a ``` b", "```\nrm -rf /\n```", "~~~", "`", "`` ` ``", "# no\n- heading"])
def test_no_output_ends_its_fence(text: str) -> None:
    html = markdown.html_of(composing.block(text))
    assert html.count("<pre>") == 1
    assert words(html).strip() == text
    assert html.strip().endswith("</code></pre>")


def test_a_whole_record_is_told_in_its_sections() -> None:
    record = Record(
        title="Postmortem of INC-7: logs [fill] the disk",
        facts=[("Severity", "sev2")],
        cause=Cause("Rotate the logs.", "Nothing rotates.", [Cited("The disk is full.", ["E1", "E2"])], ["Since May."]),
        timeline=[Happened(AT, "ana", "opened the ticket", "INC-7")],
        evidence=[Piece("E1", "Command and output", AT, "df -h", "\n".join(f"line {n}" for n in range(60)))],
        wrong=[Wrong("Revision 1, gate scope", "steps[1]: too *wide*")],
        decisions=[Happened(AT, "bob", "signed the merge plan abc", "")],
        proof=[Shown("Canary proof on log-1", "Held.", ["check: 4 tasks"])],
        differences=[Difference("tasks/main.yml", "@@ -1 +1 @@\n-a\n+b")],
        opinions=[Opinion("cy", AT, 4, [("It helped", "yes")])],
        actions=[
            Action(is_done=True, text="Merged the role.", link="https://forge.example/pulls/3"),
            Action(is_done=False, text="Look again.", link="/srv/roles.git"),
        ],
    )
    text = composing.text_of(record)
    for said in (
        "# Postmortem of INC-7: logs \\[fill\\] the disk",
        "- **Severity:** sev2",
        "- 2026-05-04 03:12:09 UTC **ana** opened the ticket: INC-7",
        "$ df -h",
        "… 21 more lines",
        "- The disk is full. (E1, E2)",
        "- **Revision 1, gate scope:** steps\\[1\\]: too \\*wide\\*",
        "**Canary proof on log-1.** Held.",
        "```diff\n@@ -1 +1 @@\n-a\n+b\n```",
        "- **cy**, 2026-05-04 03:12:09 UTC: 4 of 5 stars\n    - It helped: yes",
        "- [x] Merged the role. <https://forge.example/pulls/3>",
        "- [ ] Look again. `/srv/roles.git`",
    ):
        assert said in text
    assert 'href="https://forge.example/pulls/3"' in markdown.html_of(text)
