"""A Jinja text as a whole: its plain parts, its expressions, and the statements `if`, `for` and `set` around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from remediation.playbooks.gate.lexing import NotReadable, Piece, expression, pieces
from remediation.playbooks.gate.parsing import Expr, Name, Parser, children

SHORT = 500
OPENS = frozenset({"if", "for"})
STATEMENTS = "if, elif, else, for, set"


@dataclass(frozen=True, slots=True)
class Template:
    """`parts` are plain text and expressions in order; `names` are those that its own statements set."""

    parts: tuple[str | Expr, ...]
    headers: tuple[Expr, ...] = ()
    names: frozenset[str] = frozenset()

    def expressions(self) -> Iterator[Expr]:
        """Every expression, those of statements too."""
        yield from self.headers
        yield from (part for part in self.parts if not isinstance(part, str))


def parse(text: str) -> Template:
    """A text with templates in it. Raises NotReadable."""
    return _parse_once(text) if len(text) <= SHORT else _parse(text)


def _parse(text: str) -> Template:
    parts: list[str | Expr] = []
    headers: list[Expr] = []
    names: set[str] = set()
    waiting: list[str] = []
    for piece in pieces(text):
        if piece.kind == "text":
            parts.append(piece.text)
        elif piece.kind == "{{":
            parts.append(Parser(piece.tokens).whole())
        else:
            _statement(piece, waiting, headers, names)
    if waiting:
        raise NotReadable(len(text) - 1, f"A {{% {waiting[-1]} %}} has no end.", f"Close it: {{% end{waiting[-1]} %}}.")
    return Template(tuple(parts), tuple(headers), frozenset(names))


_parse_once = lru_cache(maxsize=1024)(_parse)
"""Several rules read the same text; long ones are not kept."""


def parse_bare(text: str) -> Template:
    """An expression without braces, as `when` has it. Raises NotReadable."""
    if "{{" in text or "{%" in text:
        raise NotReadable(0, "This key is an expression already; braces in it are evaluated twice.", "Leave {{ }} out.")
    return Template((Parser(expression(text)).whole(),))


def _statement(piece: Piece, waiting: list[str], headers: list[Expr], names: set[str]) -> None:
    """Take one {% %} in: what it evaluates, what it names, what it opens and closes."""
    parser = Parser(piece.tokens)
    word = parser.take().text
    if word in OPENS:
        waiting.append(word)
    elif word in {"endif", "endfor"} and (not waiting or waiting.pop() != word.removeprefix("end")):
        raise NotReadable(piece.offset, f"A {{% {word} %}} closes nothing.", "Let if and for have one end each.")
    if word in {"if", "elif"}:
        headers.append(parser.whole())
    elif word == "for":
        headers.extend(_for(parser, names))
    elif word == "set":
        names.add(parser.name())
        parser.expect("=")
        headers.append(parser.whole())
    elif word not in {"else", "endif", "endfor"} or parser.now.kind != "end":
        mend = f"Use {STATEMENTS} only; whole files belong to a task of their own."
        raise NotReadable(piece.offset, f"The statement {{% {word} %}} is not allowed.", mend)


def _for(parser: Parser, names: set[str]) -> Iterator[Expr]:
    """`for a, b in x if y`: names a, b and loop; evaluates x and y."""
    names.update({"loop", parser.name()})
    while parser.skip(","):
        names.add(parser.name())
    parser.expect("in")
    yield parser.either()
    if parser.skip("if"):
        yield parser.either()
    if parser.now.kind != "end":
        raise parser.stuck()


def names_in(expr: Expr) -> Iterator[Name]:
    """The variables in an expression."""
    if isinstance(expr, Name):
        yield expr
    for part in children(expr):
        yield from names_in(part)


def names_of(template: Template) -> set[str]:
    """The variables that a text reads from outside."""
    return {name.id for expr in template.expressions() for name in names_in(expr)} - template.names
