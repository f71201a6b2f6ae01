"""The fields that every room may use."""

import pytest

from portal.kit.fields import LongText


@pytest.mark.parametrize(("typed", "kept"), [("a\r\nb\r\n", "a\nb\n"), ("a\nb", "a\nb"), ("a\rb", "a\rb"), (None, "")])
def test_lines_end_with_one_character_whatever_the_browser_sends(typed: str | None, kept: str) -> None:
    assert LongText(required=False, strip=False).clean(typed) == kept
