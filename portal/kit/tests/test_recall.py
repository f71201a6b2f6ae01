"""What may be a moment old is asked once, and only inside the block that says so."""

from __future__ import annotations

import pytest

from portal.kit import recall


def test_a_question_is_asked_once_among_the_same_answers_and_every_time_outside() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(len(asked))
        return asked[-1]

    answers: dict[object, object] = {}
    assert [recall.or_ask("how many", ask), recall.or_ask("how many", ask)] == [0, 1]
    with recall.among(answers):
        assert [recall.or_ask("how many", ask), recall.or_ask("how many", ask)] == [2, 2]
        assert recall.or_ask(("how many", "there"), ask) == 3
        with recall.among({}):
            assert recall.or_ask("how many", ask) == 4
    assert recall.or_ask("how many", ask) == 5
    with recall.among(answers):
        assert recall.or_ask("how many", ask) == 2


def test_nothing_is_recalled_after_an_error_in_the_block() -> None:
    with pytest.raises(ZeroDivisionError), recall.among({"why": "because"}):
        recall.or_ask("what", lambda: 1 // 0)
    assert recall.or_ask("why", lambda: "asked") == "asked"
