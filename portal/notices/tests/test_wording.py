"""What leaves the site reads well, names each thing once, forges no header and carries no secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.notices import states, wording
from portal.notices.states import MAX_TRIES, pause_after
from portal.notices.wording import Said

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SITE = "https://countersign.example.com"


def said(text: str, minute: int = 0) -> Said:
    at = NOON + timedelta(minutes=minute)
    return Said(uuid4(), "reminder", "INC-1", text, "/tickets/INC-1/review", at)


def test_a_mail_says_what_where_and_why_one_gets_it() -> None:
    text = wording.mail_of([said("INC-1 waits for your rollout signature.")], site=SITE)
    assert text.startswith(
        "INC-1 waits for your rollout signature.\nhttps://countersign.example.com/tickets/INC-1/review\n"
    )
    assert "https://countersign.example.com/notices/preferences" in text
    assert "Nothing happens by opening a link" in text


def test_the_same_words_are_said_once_with_their_number() -> None:
    storm = [said("Disk full on log-1.", minute) for minute in range(1000)]
    text = wording.mail_of([said("Something else."), *storm], site=SITE)
    assert text.count("Disk full on log-1.") == 1
    assert "(1000 times, the last at 2026-03-02 04:39 UTC)" in text
    assert text.index("Something else.") < text.index("Disk full")


def test_a_long_digest_ends_with_the_way_to_the_rest() -> None:
    text = wording.mail_of([said(f"Thing {number}.") for number in range(60)], site=SITE)
    assert "Thing 49." in text
    assert "Thing 50." not in text
    assert f"And 10 more: {SITE}/notices" in text


@given(st.text(max_size=400))
def test_no_text_makes_a_second_header_or_a_long_one(text: str) -> None:
    subject = wording.subject_of([said(text), said("more")])
    assert subject.isprintable()
    assert len(subject) <= wording.LONGEST_SUBJECT
    assert subject.endswith("(+1)")


@pytest.mark.parametrize("secret", ["password=hunter2hunter2", "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9])
def test_secrets_do_not_leave_in_subject_mail_or_webhook(secret: str) -> None:
    messages = [said(f"rita requested changes: use {secret} here")]
    left = [
        wording.subject_of(messages),
        wording.mail_of(messages, site=SITE),
        wording.body_of(uuid4(), "review", messages, site=SITE).decode(),
    ]
    word = secret.rpartition("=")[2]
    assert [word in text for text in left] == [False, False, False]
    assert all("[redacted:" in text for text in left)


def test_the_body_of_a_webhook_is_versioned_and_always_the_same() -> None:
    letter, messages = UUID(int=7), [said("One."), said("Two.", 1)]
    body = wording.body_of(letter, "reminder", messages, site=SITE)
    assert body == wording.body_of(letter, "reminder", messages, site=SITE)
    assert json.loads(body) == {
        "version": 1,
        "id": str(letter),
        "kind": "reminder",
        "notices": [
            {
                "id": str(each.uid),
                "kind": "reminder",
                "ticket": "INC-1",
                "text": each.text,
                "url": f"{SITE}/tickets/INC-1/review",
                "at": each.at.isoformat(),
            }
            for each in messages
        ],
    }


@given(st.integers(min_value=1, max_value=MAX_TRIES), st.text(max_size=40))
def test_pauses_grow_stay_within_bounds_and_differ_between_letters(tries: int, seed: str) -> None:
    pause = pause_after(tries, seed=seed)
    assert pause == pause_after(tries, seed=seed)
    assert states.FIRST_PAUSE * 0.8 <= pause <= states.LONGEST_PAUSE * 1.2
    if tries > 1 and pause < states.LONGEST_PAUSE * 0.8:
        assert pause > pause_after(tries - 1, seed=seed)


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({pause_after(3, seed=str(number)) for number in range(100)}) > 20
