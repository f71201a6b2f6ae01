"""The OpenAPI document as plain rows for a page: operations by tag, and the shapes they speak of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.generators import SchemaGenerator

Schema = Mapping[str, Any]
LIMITS = (("minimum", "at least {}"), ("maximum", "at most {}"), ("maxLength", "at most {} characters"))
LIMITS_OF_LISTS = (("minItems", "at least {}"), ("maxItems", "at most {}"))


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value: words around at most one shape, which the page links to."""

    before: str = ""
    shape: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a shape, or one parameter."""

    name: str
    kind: Kind
    is_required: bool
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Shape:
    """A named object of the document."""

    name: str
    description: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back under one status."""

    status: int
    description: str
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    id: str
    method: str
    path: str
    description: str
    parameters: Sequence[Field]
    body: Kind | None
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything the page shows."""

    title: str
    version: str
    operations: Mapping[str, Sequence[Operation]] = field(default_factory=dict)
    shapes: Sequence[Shape] = ()


@cache
def reference() -> Reference:
    """The reference of this process's API; the document does not change while it runs."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: Schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return of(document)


def of(document: Schema) -> Reference:
    """The rows of an OpenAPI document."""
    operations: defaultdict[str, list[Operation]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations[operation["tags"][0]].append(_operation(path, method, operation))
    shapes = [_shape(name, schema) for name, schema in document["components"]["schemas"].items()]
    info = document["info"]
    return Reference(info["title"], info["version"], dict(operations), [each for each in shapes if each.fields])


def _operation(path: str, method: str, operation: Schema) -> Operation:
    body = operation.get("requestBody")
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        description=operation.get("description", ""),
        parameters=[_parameter(each) for each in operation.get("parameters", [])],
        body=_content(body) if body else None,
        answers=[_answer(int(status), each) for status, each in operation["responses"].items()],
    )


def _parameter(parameter: Schema) -> Field:
    schema = parameter["schema"]
    notes = [f"in the {parameter['in']}", *_notes({**schema, "description": parameter.get("description", "")})]
    return Field(parameter["name"], _kind(schema), bool(parameter.get("required")), notes)


def _answer(status: int, answer: Schema) -> Answer:
    return Answer(status, answer.get("description") or HTTPStatus(status).phrase, _content(answer))


def _content(holder: Schema) -> Kind | None:
    for content in holder.get("content", {}).values():
        return _kind(content["schema"])
    return None


def _shape(name: str, schema: Schema) -> Shape:
    required = schema.get("required", [])
    fields = [
        Field(each, _kind(inner), each in required, _notes(inner))
        for each, inner in schema.get("properties", {}).items()
    ]
    return Shape(name, schema.get("description", ""), fields)


def _kind(schema: Schema) -> Kind:
    if "$ref" in schema:
        return Kind(shape=schema["$ref"].rpartition("/")[2])
    for several in ("oneOf", "allOf", "anyOf"):
        if several in schema:
            return _one_of([_kind(each) for each in schema[several]])
    if schema.get("type") == "array":
        item = _kind(schema["items"])
        return Kind(f"list of {item.before}", item.shape, item.after)
    if "enum" in schema or "const" in schema:
        return Kind("one of " + ", ".join(_said(value) for value in schema.get("enum", [schema.get("const")])))
    types = schema.get("type", "anything")
    names = [types] if isinstance(types, str) else types
    return Kind(" or ".join(_typed(name, schema.get("format")) for name in names))


def _typed(name: str, form: str | None) -> str:
    return f"{name} ({form})" if form and name != "null" else name


def _one_of(kinds: Sequence[Kind]) -> Kind:
    shaped = next((kind for kind in kinds if kind.shape), Kind())
    words = [kind.before for kind in kinds if not kind.shape]
    if not shaped.shape:
        return Kind(" or ".join(words))
    return Kind(shaped.before, shaped.shape, "".join(f" or {word}" for word in words))


def _notes(schema: Schema) -> list[str]:
    limits = LIMITS_OF_LISTS if schema.get("type") == "array" else LIMITS
    notes = [text.format(schema[name]) for name, text in limits if name in schema]
    if "default" in schema:
        notes.append(f"default {_said(schema['default'])}")
    return [note for note in (schema.get("description", ""), ", ".join(notes)) if note]


def _said(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value) or "empty" if isinstance(value, str | int | float) else "empty"
