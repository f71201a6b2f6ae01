"""Markdown from people and models cannot bring anything with it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit import markdown


def _tags(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every opening tag as a browser reads it."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, {k: v or "" for k, v in attrs}))  # type: ignore[method-assign]
    parser.feed(html)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.org/pixel.png)",
        '[x](https://example.org "\\" onmouseover=alert(1)")',
        "<https://example.org/?<script>>",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
def test_nothing_runs_and_nothing_is_fetched(text: str) -> None:
    tags = _tags(markdown.html_of(text))
    assert {name for name, _ in tags} <= {"p", "a", "pre", "code"}
    assert all(set(attributes) <= {"href", "title", "rel", "class"} for _, attributes in tags)
    assert all(attributes.get("href", "https:").startswith("https:") for _, attributes in tags)


@given(st.text(alphabet=st.sampled_from("<>\"'()[]!`#*_ab:/\n "), max_size=80))
def test_only_known_tags_come_out(text: str) -> None:
    known = r"</?(p|em|strong|code|pre|a|ul|ol|li|h[3-6]|blockquote|hr|br|table|thead|tbody|tr|th|td|s)\b"
    assert all(re.match(known, tag) for tag in re.findall(r"<[^>]*>", markdown.html_of(text)))


def test_links_say_nothing_about_where_they_were_clicked() -> None:
    assert 'rel="noopener noreferrer nofollow"' in markdown.html_of("[vendor](https://example.org)")


def test_headings_start_below_those_of_the_page() -> None:
    assert markdown.html_of("# One\n\n###### Six") == "<h3>One</h3>\n<h6>Six</h6>\n"
