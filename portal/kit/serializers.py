"""A serializer base that takes nothing on trust: unknown fields, look-alike types and NUL characters are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from portal.kit.visible import is_blank

AnyField = serializers.Field[Any, Any, Any, Any]
DIGITS = re.compile(r"-?[0-9]{1,19}")
MOST_NAMED = 20


class Trimmed(serializers.CharField):
    """Text whose spaces at both ends do not count; every other text field of a StrictSerializer keeps them."""


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields by name, booleans that are not true or false, text that is not text, and blank text.

    In a query string everything is text, so there "30" is an integer and "true" a boolean; a field given twice is
    refused. Blank text passes where a field says `allow_blank=True`.
    """

    def get_fields(self) -> dict[str, AnyField]:
        """The fields, with trimming off unless a field is Trimmed."""
        fields = super().get_fields()
        for field in fields.values():
            _leave_text_alone(field)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Checks names and types first, so that one answer lists all of these mistakes."""
        if isinstance(data, Mapping):
            mistakes = {**self._unknown(data), **self._mistyped(data)}
            if mistakes:
                raise serializers.ValidationError(mistakes)
        return super().to_internal_value(data)

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        known = [name for name, field in self.fields.items() if not field.read_only]
        unknown = [str(name) for name in data if name not in known]
        return {name[:100]: [_unknown_field(name, known)] for name in unknown[:MOST_NAMED]}

    def _mistyped(self, data: Mapping[str, Any]) -> dict[str, Any]:
        is_query = isinstance(data, QueryDict)
        mistakes: dict[str, Any] = {}
        for name, field in self.fields.items():
            value = empty if field.read_only else data.get(name, empty)
            mistake = None if value is empty or value is None else _mistake(field, value, is_query=is_query)
            if isinstance(data, QueryDict) and len(data.getlist(name)) > 1:
                mistake = [ErrorDetail("Given more than once.", "given_twice")]
            if mistake:
                mistakes[name] = mistake
        return mistakes


def valid(kind: type[StrictSerializer], data: Any) -> dict[str, Any]:
    """The validated data of a body or a query string; raises ValidationError with every mistake."""
    if data is None:
        raise serializers.ValidationError("Send an object.")
    validated: dict[str, Any] = _prepared(kind).run_validation(data)
    return validated


@cache
def _prepared(kind: type[StrictSerializer]) -> StrictSerializer:
    """One instance for all requests: building its fields costs more than using them, and using them changes nothing."""
    return kind()


def _unknown_field(name: str, known: list[str]) -> ErrorDetail:
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return ErrorDetail(f"There is no such field.{hint}", "unknown_field")


def _leave_text_alone(field: AnyField) -> None:
    if isinstance(field, serializers.CharField) and not isinstance(field, Trimmed):
        field.trim_whitespace = False
    child = getattr(field, "child", None)
    if isinstance(child, serializers.Field):
        _leave_text_alone(child)


def _mistake(field: AnyField, value: Any, *, is_query: bool) -> Any:
    """What is wrong with a value's type: a list of errors, a dictionary of such lists per item, or nothing."""
    child = getattr(field, "child", None)
    if isinstance(child, serializers.Field):
        items = enumerate(value) if isinstance(value, list) else ()
        found = {index: _mistake(child, item, is_query=is_query) for index, item in items}
        return {index: mistake for index, mistake in found.items() if mistake}
    error = _type_error(field, value, is_query=is_query) or _text_error(field, value)
    return [error] if error else None


def _type_error(field: AnyField, value: Any, *, is_query: bool) -> ErrorDetail | None:
    if isinstance(field, serializers.BooleanField):
        fits, expected = value in ("true", "false") if is_query else isinstance(value, bool), "true or false"
    elif isinstance(field, serializers.IntegerField):
        fits, expected = _is_digits(value) if is_query else type(value) is int, "an integer"
    elif isinstance(field, serializers.CharField | serializers.ChoiceField):
        fits, expected = isinstance(value, str), "text"
    else:
        return None
    return None if fits else ErrorDetail(f"Must be {expected}.", "invalid")


def _is_digits(value: Any) -> bool:
    return isinstance(value, str) and DIGITS.fullmatch(value) is not None


def _text_error(field: AnyField, value: Any) -> ErrorDetail | None:
    if not isinstance(value, str):
        return None
    if "\x00" in value:
        return ErrorDetail("NUL characters are not allowed.", "nul_character")
    if not getattr(field, "allow_blank", False) and is_blank(value):
        return ErrorDetail("Must not be blank.", "blank")
    return None
