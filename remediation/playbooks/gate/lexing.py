"""Cuts Jinja text into plain text, expressions and statements, and expressions into tokens. Knows no meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>[0-9]{1,40}(?:\.[0-9]{1,40})?(?![\w.]))"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<op>//|\*\*|==|!=|<=|>=|[-+*/%~<>=|.,:()\[\]{}])",
    re.DOTALL,
)
MAX_TOKENS = 200
"""In one expression; the parser and what walks its tree go one call deeper with each."""
OPEN = re.compile(r"\{[{%#]")
CLOSERS = {"{{": "}}", "{%": "%}"}
PAIRS = {"(": ")", "[": "]", "{": "}"}


class NotReadable(Exception):
    """Jinja that we do not read; carries where (offset), what and how to mend it."""

    def __init__(self, offset: int, text: str, mend: str) -> None:
        super().__init__(text)
        self.offset, self.text, self.mend = offset, text, mend


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression; `kind` is number, text, name, op or end."""

    kind: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a template: `kind` is text, {{ or {%."""

    kind: str
    offset: int
    text: str = ""
    tokens: tuple[Token, ...] = ()


def pieces(text: str) -> Iterator[Piece]:
    """The parts of a template, comments left out. Raises NotReadable."""
    offset = 0
    while found := OPEN.search(text, offset):
        if found.start() > offset:
            yield Piece("text", offset, text[offset : found.start()])
        kind, begin = found.group(), found.end()
        if kind == "{#":
            end = text.find("#}", begin)
            if end < 0:
                raise NotReadable(found.start(), "A comment ({#) has no end.", "Close it with #}.")
            offset = end + 2
            continue
        inside, offset = _inside(text, begin, CLOSERS[kind])
        yield Piece(kind, found.start(), tokens=inside)
    if offset < len(text):
        yield Piece("text", offset, text[offset:])


def expression(text: str) -> tuple[Token, ...]:
    """The tokens of a bare expression, such as that of `when`. Raises NotReadable."""
    tokens, _ = _inside(text, 0, None)
    return tokens


def _inside(text: str, offset: int, closer: str | None) -> tuple[tuple[Token, ...], int]:
    """Tokens up to the closer (or the end of the text), and the offset behind it. Braces have to match, as in Jinja."""
    tokens: list[Token] = []
    waiting: list[str] = []
    if closer and text[offset : offset + 1] in {"-", "+"}:
        offset += 1
    while offset < len(text):
        if closer and not waiting and text[offset : offset + 1] in {"-", "+"} and text.startswith(closer, offset + 1):
            offset += 1
        if closer and not waiting and text.startswith(closer, offset):
            return (*tokens, Token("end", "", offset)), offset + 2
        token = _token(text, offset)
        offset += len(token.text)
        if len(tokens) > MAX_TOKENS:
            raise NotReadable(offset, "A template is too long to be read.", "Cut it into several.")
        if token.kind != "space":
            tokens.append(token)
            _match(token, waiting)
    if closer or waiting:
        raise NotReadable(max(len(text) - 1, 0), "A template has no end.", "Close every {{, {%, bracket and quote.")
    return (*tokens, Token("end", "", offset)), offset


def _token(text: str, offset: int) -> Token:
    found = TOKEN.match(text, offset)
    if not found or not found.lastgroup:
        raise NotReadable(offset, f"A template has {text[offset : offset + 8]!r} in it.", "Write a plain expression.")
    return Token(found.lastgroup, found.group(), offset)


def _match(token: Token, waiting: list[str]) -> None:
    if token.kind != "op":
        return
    if token.text in PAIRS:
        waiting.append(PAIRS[token.text])
    elif token.text in PAIRS.values() and (not waiting or waiting.pop() != token.text):
        raise NotReadable(token.offset, f"A template has a {token.text} too many.", "Let the brackets match.")
