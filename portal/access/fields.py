"""The column of password digests: written and read like any other, by those who may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    TextBase = models.CharField[str, str]
else:
    TextBase = models.CharField

CLUSTERS = frozenset(f"countersign_{name}" for name in ("drafting", "probe", "execution", "general"))
"""The database roles that have no privilege on the column."""


class PasswordField(TextBase):
    """Reads as empty where the database would refuse: Django selects every column of a person it loads or joins."""

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """What stands in the SELECT for this column."""
        if compiler.connection.settings_dict["USER"] in CLUSTERS:
            return "''", ()
        return sql, params
