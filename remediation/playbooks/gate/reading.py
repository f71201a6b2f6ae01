"""Reads the YAML of a role into plain nodes with line numbers, and refuses what makes YAML say more than it shows.

Tags, anchors, aliases, merge keys, directives, several documents and repeated keys are findings, not features. The
nodes are built from the parser's events, so nothing is ever constructed that the text did not spell out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from remediation.playbooks.gate.characters import hidden
from remediation.playbooks.gate.shapes import Finding

RULE = "yaml"
MAX_DEPTH = 12
MAX_NODES = 5_000
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
MERGE = "<<"
HEADER = re.compile(r"#\s*jinja2\s*:", re.IGNORECASE)
"""At the beginning of any text, not of a file only, it gives Ansible other marks for templates than braces."""
LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value; `text` is what stands in the file, `value` what YAML makes of it."""

    line: int
    column: int
    text: str
    value: str | int | float | bool | None
    is_block: bool = False

    def line_at(self, offset: int) -> int:
        """The line in the file on which the character `offset` of the text stands."""
        return self.line + self.is_block + self.text.count("\n", 0, offset)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    line: int
    column: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with their values, in the order of the file, and the line of each key."""

    line: int
    column: int
    items: dict[str, Node]
    lines: dict[str, int]


Node = Scalar | Sequence | Mapping


class NotPlain(Exception):
    """The text is no YAML that we read; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


@dataclass(slots=True)
class _Builder:
    """Turns the parser's events into nodes; the first thing that is not plain ends it."""

    file: str
    events: Iterator[Any]
    resolver: Any = field(default_factory=yaml.resolver.Resolver)
    nodes: int = 0

    def document(self) -> Node | None:
        """The only document of the stream; None if there is nothing in it."""
        next(self.events)  # the stream begins
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        if event.version or event.tags:
            self.refuse(event, "A directive (%YAML, %TAG) changes how the file is read.", "Leave it out.")
        node = self.node(next(self.events), depth=0)
        next(self.events)  # the document ends
        last = next(self.events)
        if not isinstance(last, yaml.StreamEndEvent):
            self.refuse(last, "The file holds several documents.", "One document in a file; cut it in two files.")
        return node

    def node(self, event: Any, *, depth: int) -> Node:
        """The node that begins with this event."""
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            self.refuse(event, "The file is nested too deeply or holds too much.", "Cut it into several files.")
        if isinstance(event, yaml.AliasEvent):
            self.refuse(event, f"An alias (*{event.anchor}) repeats what stands elsewhere.", "Write it out.")
        if event.anchor:
            self.refuse(event, f"An anchor (&{event.anchor}) is not plain YAML.", "Leave it out, write values out.")
        if event.tag:
            self.refuse(event, f"The tag {event.tag} makes something else of a value.", "Leave it out.")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        place = event.start_mark.line + 1, event.start_mark.column
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(*place, tuple(self.members(yaml.SequenceEndEvent, depth)))
        return self.mapping(place, depth)

    def members(self, end: type, depth: int) -> Iterator[Node]:
        """Nodes up to the event that ends the collection."""
        while not isinstance(event := next(self.events), end):
            yield self.node(event, depth=depth + 1)

    def mapping(self, place: tuple[int, int], depth: int) -> Mapping:
        """A mapping with plain keys, none of them twice."""
        items: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth=depth + 1)
            if not isinstance(key, Scalar):
                self.refuse(event, "A key is not a plain word.", "Use a word as key.")
            elif not isinstance(key.value, str) and key.text != MERGE:
                self.refuse(event, f"The key {key.text} is no text to YAML.", "Put it in quotes.")
            elif key.text == MERGE:
                self.refuse(event, "A merge key (<<) brings in what stands elsewhere.", "Write the values out.")
            elif key.text in items:
                self.refuse(event, f"The key {key.text} stands twice; only one of them counts.", "Keep one of them.")
            else:
                lines[key.text] = key.line
                items[key.text] = self.node(next(self.events), depth=depth + 1)
        return Mapping(*place, items, lines)

    def scalar(self, event: Any) -> Scalar:
        """A value, with the type that YAML 1.1 gives it."""
        start, end = event.start_mark, event.end_mark
        if event.style in {"'", '"'} and end.line > start.line:
            self.refuse(event, "A quoted text goes over several lines.", "Use a block (|) for text of several lines.")
        if what := hidden(event.value, allowed="\t\n"):
            self.refuse(event, f"The text has {what} in it.", "Write what people can see.")
        if HEADER.search(event.value):
            self.refuse(event, "A #jinja2: header changes what marks a template.", "Leave the header out.")
        tag = self.resolver.resolve(yaml.ScalarNode, event.value, event.implicit).rpartition(":")[2]
        is_block = event.style in {"|", ">"}
        return Scalar(start.line + 1, start.column, event.value, _value(tag, event.value), is_block)

    def refuse(self, event: Any, text: str, mend: str) -> None:
        """End the reading with a finding at this event."""
        raise NotPlain(Finding(self.file, event.start_mark.line + 1, RULE, text, mend))


def _integer(text: str) -> int:
    """YAML 1.1 writes octal with a leading 0. Raises ValueError for numbers on the base of 60."""
    text = text.replace("_", "")
    digits = text.lstrip("+-")
    is_octal = len(digits) > 1 and digits.startswith("0") and digits.isdigit()
    return int(text, 8 if is_octal else 0)


TYPES: dict[str, Callable[[str], int | float | bool | None]] = {
    "bool": lambda text: BOOLEANS[text.lower()],
    "float": lambda text: float(text.replace("_", "")),
    "int": _integer,
    "null": lambda _: None,
}
"""What YAML makes of a plain scalar, by its tag."""


def _value(tag: str, text: str) -> str | int | float | bool | None:
    """The value of a plain scalar; none for what reads differently from what stands there, such as times."""
    if tag not in TYPES:
        return text if tag != "timestamp" else None
    try:
        return TYPES[tag](text) if len(text) <= LONGEST_NUMBER else None
    except ValueError:
        return None


def read(file: str, text: str) -> Node | None:
    """The root node of a file; None for an empty one. Raises NotPlain."""
    try:
        return _Builder(file, yaml.parse(text, Loader=LOADER)).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reason = f"This is not YAML: {error.problem or 'it cannot be read'}."
        raise NotPlain(
            Finding(file, line, RULE, reason, "Mend the indentation, the quotes or the brackets.")
        ) from error
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        reason = "This is not YAML: it has characters that YAML does not allow, or never ends."
        raise NotPlain(Finding(file, 1, RULE, reason, "Write it as plain text.")) from error


def scalars(node: Node) -> Iterator[Scalar]:
    """Every value below a node, in the order of the file; keys are not among them."""
    match node:
        case Scalar():
            yield node
        case Sequence():
            for item in node.items:
                yield from scalars(item)
        case Mapping():
            for item in node.items.values():
                yield from scalars(item)


def text_of(node: Node | None) -> str:
    """The text of a value; empty for none and for collections."""
    return node.text if isinstance(node, Scalar) else ""
