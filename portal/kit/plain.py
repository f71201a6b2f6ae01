"""Dataclasses as plain data. `dataclasses.asdict` copies what cannot change, which takes it five times as long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any


def data_of(value: Any) -> Any:
    """Names and values of a dataclass, lists for its tuples, and so for everything inside; the rest as it is."""
    kind: Any = type(value)
    if names := _names_of(kind):
        return {name: data_of(getattr(value, name)) for name in names}
    if kind is tuple or kind is list:
        return [data_of(each) for each in value]
    if isinstance(value, Mapping):
        return {name: data_of(each) for name, each in value.items()}
    return value


@cache
def _names_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
