"""Form fields that every room may use."""

from __future__ import annotations

from typing import Any

from django import forms


class LongText(forms.CharField):
    """Text of several lines. Browsers send it with the line ends of another age; everything after the form sees one."""

    def to_python(self, value: Any) -> str:
        """The text with one character at the end of a line."""
        return (super().to_python(value) or "").replace("\r\n", "\n")
