"""Syntax colours as CSS classes, line by line, never changing a character of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from django.utils.html import format_html
from django.utils.safestring import SafeString
from pygments.lexer import Lexer
from pygments.lexers.data import JsonLexer, YamlLexer
from pygments.lexers.shell import BashLexer
from pygments.lexers.special import TextLexer
from pygments.token import STANDARD_TYPES

from portal.kit.visible import visible

Span = tuple[int, int]
Token = tuple[str, str]  # CSS class, text

_LEXERS: dict[str, type[Lexer]] = {"yml": YamlLexer, "yaml": YamlLexer, "sh": BashLexer, "json": JsonLexer}


def lines_of(text: str) -> list[str]:
    """The lines with their ends. Only a line feed ends a line: other separators are characters a reader must see."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def tokens_of(text: str, path: str) -> list[list[Token]]:
    """The tokens of each line; `path` chooses the syntax by its ending."""
    lexer = _LEXERS.get(path.rpartition(".")[2].lower(), TextLexer)()
    found = [(STANDARD_TYPES.get(kind, ""), value) for _, kind, value in lexer.get_tokens_unprocessed(text)]
    if "".join(value for _, value in found) != text:
        found = [("", text)]  # a lexer that loses a character must not change what a reviewer reads
    lines: list[list[Token]] = [[]]
    for css, value in found:
        for part in lines_of(value):
            lines[-1].append((css, part))
            if part.endswith("\n"):
                lines.append([])
    return lines if lines[-1] else lines[:-1]


def html_of(tokens: Sequence[Token], marks: Sequence[Span] = ()) -> SafeString:
    """One line as HTML without its line end; `marks` are the character ranges to point out."""
    return SafeString("".join(_spans(tokens, marks)))


def _spans(tokens: Sequence[Token], marks: Sequence[Span]) -> Iterator[str]:
    start = 0
    for css, text in tokens:
        for piece, marked in _cut(text, start, marks):
            html = format_html("<mark>{}</mark>", visible(piece)) if marked else visible(piece)
            yield format_html('<span class="{}">{}</span>', css, html) if css else html
        start += len(text)


def _cut(text: str, start: int, marks: Sequence[Span]) -> Iterator[tuple[str, bool]]:
    """Pieces of a token that lie entirely inside or outside the marks; `start` is the token's place in the line."""
    body = text.removesuffix("\n")
    end = start + len(body)
    cuts = sorted({start, end, *(edge for span in marks for edge in span if start < edge < end)})
    for left, right in pairwise(cuts):
        yield body[left - start : right - start], any(a <= left and right <= b for a, b in marks)
