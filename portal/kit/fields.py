"""Form fields that every room may use."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.kit.visible import is_blank


class Text(forms.CharField):
    """Text that somebody can see; what is made of hidden characters only counts as empty."""

    def to_python(self, value: Any) -> str:
        """The text, or none."""
        text = super().to_python(value) or ""
        return "" if is_blank(text) else text


class LongText(Text):
    """Text of several lines. Browsers send it with the line ends of another age; everything after the form sees one."""

    def to_python(self, value: Any) -> str:
        """The text with one character at the end of a line."""
        return super().to_python(value).replace("\r\n", "\n")
