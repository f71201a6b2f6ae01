"""Law 7's guard: whoever acts on the world asks here first that no transaction is open."""

from __future__ import annotations

from django.db import connections


class ActingInsideTransaction(RuntimeError):
    """Code was about to act while a transaction was open: a rollback could not take the action back."""


def refuse_inside_transaction() -> None:
    """Raises ActingInsideTransaction within `atomic()`; the transaction that a TestCase wraps around a test is none."""
    for connection in connections.all(initialized_only=True):
        if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]  # noqa: SLF001
            raise ActingInsideTransaction("Commit the intent first, then act (law 7).")
