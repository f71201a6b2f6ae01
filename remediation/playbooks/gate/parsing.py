"""Parses Jinja expressions into a small tree. Covers what roles need; anything else cannot be read and is refused."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from remediation.playbooks.gate.lexing import NotReadable, Token

MAX_DEPTH = 16
MEND = "Write a plain expression: variables, filters, tests, comparisons."
COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
LITERALS: dict[str, bool | None] = {
    "true": True, "True": True, "false": False, "False": False, "none": None, "None": None,
}  # fmt: skip
WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", *LITERALS})
ENDS_A_TEST = frozenset({"and", "or", "not", "if", "else", "is", "in"})


@dataclass(frozen=True, slots=True)
class Expr:
    """What every part of an expression has: where it stands in the text."""

    offset: int


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A text, a number, true, false or none."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """A variable."""

    id: str


@dataclass(frozen=True, slots=True)
class Attribute(Expr):
    """`of.name`."""

    of: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Item(Expr):
    """`of[key]`."""

    of: Expr
    key: Expr


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call, a filter or a test."""

    plain: tuple[Expr, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()

    def all(self) -> tuple[Expr, ...]:
        return *self.plain, *(value for _, value in self.named)


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """`of(arguments)`."""

    of: Expr
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Filter(Expr):
    """`of | name(arguments)`."""

    of: Expr
    name: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Test(Expr):
    """`of is name(arguments)`."""

    of: Expr
    name: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Operation(Expr):
    """An operator with its operands; `if` has three: then, condition, else."""

    op: str
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Listing(Expr):
    """A list or a tuple."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Table(Expr):
    """A dictionary."""

    pairs: tuple[tuple[Expr, Expr], ...]


def children(expr: Expr) -> tuple[Expr, ...]:
    """The parts of an expression."""
    match expr:
        case Attribute(of=of):
            return (of,)
        case Item(of=of, key=key):
            return of, key
        case Call(of=of, arguments=arguments) | Filter(of=of, arguments=arguments) | Test(of=of, arguments=arguments):
            return of, *arguments.all()
        case Operation(parts=parts) | Listing(items=parts):
            return parts
        case Table(pairs=pairs):
            return tuple(part for pair in pairs for part in pair)
    return ()


class Parser:
    """Recursive descent over the tokens of one expression or statement."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def is_next(self, *texts: str) -> bool:
        """Whether the next token is one of these operators or words."""
        return self.now.kind in {"op", "name"} and self.now.text in texts

    def take(self) -> Token:
        token = self.now
        self.at += token.kind != "end"
        return token

    def skip(self, text: str) -> bool:
        """Take the next token if it is this one."""
        if self.is_next(text):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.skip(text):
            raise self.stuck(f"{text} is missing")

    def name(self) -> str:
        """The next token, which has to be a name."""
        if self.now.kind != "name" or self.now.text in WORDS:
            raise self.stuck("a name is missing")
        return self.take().text

    def stuck(self, why: str = "it cannot be read from here on") -> NotReadable:
        return NotReadable(self.now.offset, f"A template is not readable: {why}.", MEND)

    def whole(self) -> Expr:
        """One expression up to the end."""
        expr = self.expression()
        if self.now.kind != "end":
            raise self.stuck()
        return expr

    def expression(self) -> Expr:
        """Anything: the conditional expression is the widest."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.stuck("it is nested too deeply")
        expr = self.either()
        while self.skip("if"):
            condition = self.either()
            other = self.expression() if self.skip("else") else Literal(self.now.offset, None)
            expr = Operation(expr.offset, "if", (expr, condition, other))
        self.depth -= 1
        return expr

    def either(self) -> Expr:
        return self.chain(self.both, "or")

    def both(self) -> Expr:
        return self.chain(self.negation, "and")

    def negation(self) -> Expr:
        token, count = self.now, 0
        while self.skip("not"):
            count += 1
        expr = self.comparison()
        return Operation(token.offset, "not", (expr,)) if count else expr

    def comparison(self) -> Expr:
        expr = self.sum()
        while True:
            offset = self.now.offset
            if self.is_next(*COMPARISONS):
                expr = Operation(offset, self.take().text, (expr, self.sum()))
            elif self.skip("in"):
                expr = Operation(offset, "in", (expr, self.sum()))
            elif self.is_next("not") and self.tokens[self.at + 1].text == "in":
                self.at += 2
                expr = Operation(offset, "not in", (expr, self.sum()))
            else:
                return expr

    def sum(self) -> Expr:
        return self.chain(self.concatenation, "+", "-")

    def concatenation(self) -> Expr:
        return self.chain(self.product, "~")

    def product(self) -> Expr:
        return self.chain(self.power, "*", "/", "//", "%")

    def power(self) -> Expr:
        return self.chain(self.unary, "**")

    def chain(self, part: Callable[[], Expr], *operators: str) -> Expr:
        """Operands of one rank, joined from the left."""
        expr = part()
        while self.is_next(*operators):
            token = self.take()
            expr = Operation(token.offset, token.text, (expr, part()))
        return expr

    def unary(self) -> Expr:
        token, count = self.now, 0
        while self.is_next("-", "+"):
            self.take()
            count += 1
        expr = self.postfix(self.primary())
        return Operation(token.offset, "-", (expr,)) if count else expr

    def postfix(self, expr: Expr) -> Expr:
        """Attributes, subscripts, calls, filters and tests behind a value."""
        while True:
            offset = self.now.offset
            if self.skip("."):
                number = self.now.kind == "number"
                expr = Item(offset, expr, self.primary()) if number else Attribute(offset, expr, self.name())
            elif self.skip("["):
                expr = Item(offset, expr, self.expression())
                self.expect("]")
            elif self.skip("("):
                expr = Call(offset, expr, self.arguments())
            elif self.skip("|"):
                expr = Filter(offset, expr, self.dotted(), self.maybe_arguments())
            elif self.skip("is"):
                expr = self.test(offset, expr)
            else:
                return expr

    def dotted(self) -> str:
        """The name of a filter or test, which may be one of a collection; `is none` and the like count too."""
        if self.now.kind == "name" and self.now.text in {*LITERALS, "in"}:
            return self.take().text
        parts = [self.name()]
        while self.skip("."):
            parts.append(self.name())
        return ".".join(parts)

    def test(self, offset: int, expr: Expr) -> Expr:
        is_not = self.skip("not")
        name = self.dotted()
        arguments = self.maybe_arguments()
        if not arguments.all() and self._begins_a_value():
            arguments = Arguments((self.postfix_only(),))
        tested = Test(offset, expr, name, arguments)
        return Operation(offset, "not", (tested,)) if is_not else tested

    def postfix_only(self) -> Expr:
        """The one argument that a test takes without brackets."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.stuck("it is nested too deeply")
        expr = self.postfix(self.primary())
        self.depth -= 1
        return expr

    def _begins_a_value(self) -> bool:
        if self.now.kind in {"number", "text"}:
            return True
        return (self.now.kind == "name" and self.now.text not in ENDS_A_TEST) or self.is_next("[", "{")

    def maybe_arguments(self) -> Arguments:
        return self.arguments() if self.skip("(") else Arguments()

    def arguments(self) -> Arguments:
        """Arguments up to the closing bracket."""
        plain: list[Expr] = []
        named: list[tuple[str, Expr]] = []
        while not self.skip(")"):
            if self.now.kind == "name" and self.tokens[self.at + 1].text == "=":
                name = self.name()
                self.take()
                named.append((name, self.expression()))
            else:
                plain.append(self.expression())
            if not self.is_next(")"):
                self.expect(",")
        return Arguments(tuple(plain), tuple(named))

    def primary(self) -> Expr:  # noqa: PLR0911 - a table of forms
        """A literal, a name, a list, a table, or an expression in brackets."""
        token = self.now
        if token.kind == "text":
            return self.text()
        if token.kind == "number":
            self.take()
            return Literal(token.offset, float(token.text) if "." in token.text else int(token.text))
        if token.kind == "name" and token.text in LITERALS:
            self.take()
            return Literal(token.offset, LITERALS[token.text])
        if token.kind == "name":
            return Name(token.offset, self.name())
        if self.skip("("):
            return self.brackets(token.offset)
        if self.skip("["):
            return Listing(token.offset, self.until("]"))
        if self.skip("{"):
            return self.table(token.offset)
        raise self.stuck("a value is missing")

    def text(self) -> Expr:
        """A text; texts that stand next to each other are one, as in Jinja."""
        offset, parts = self.now.offset, []
        while self.now.kind == "text":
            parts.append(_unescaped(self.take()))
        return Literal(offset, "".join(parts))

    def brackets(self, offset: int) -> Expr:
        first = self.expression()
        if self.skip(")"):
            return first
        self.expect(",")
        return Listing(offset, (first, *self.until(")")))

    def until(self, closer: str) -> tuple[Expr, ...]:
        items: list[Expr] = []
        while not self.skip(closer):
            items.append(self.expression())
            if not self.is_next(closer):
                self.expect(",")
        return tuple(items)

    def table(self, offset: int) -> Expr:
        pairs: list[tuple[Expr, Expr]] = []
        while not self.skip("}"):
            key = self.expression()
            self.expect(":")
            pairs.append((key, self.expression()))
            if not self.is_next("}"):
                self.expect(",")
        return Table(offset, tuple(pairs))


def _unescaped(token: Token) -> str:
    """A text as Jinja reads it: with Python's escapes."""
    raw = token.text[1:-1]
    if "\\" not in raw:
        return raw
    try:
        return codecs.decode(raw.encode("ascii", "backslashreplace"), "unicode-escape")
    except UnicodeDecodeError as error:
        raise NotReadable(token.offset, "A text in a template has a broken escape.", "Double the backslash.") from error
