"""Moves one row from state to state by compare-and-swap, so that of two who try only one succeeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from django.db.models import Model

from portal.kit import statements
from portal.kit.refusals import StaleTransition, because
from portal.kit.transitions import can


def move(
    instance: Model,
    to: str,
    *,
    next_states: Mapping[Any, Collection[Any]],
    column: str = "status",
    beside: Sequence[Model] = (),
    **fields: Any,
) -> None:
    """Moves `instance` to the state `to` and writes `fields` in the same UPDATE; the instance shows the new values.

    Raises StaleTransition if the table does not allow the move from the state the caller saw, or if the row has left
    that state meanwhile. Callers hold the lock of the parent row and write the audit event in the same transaction,
    or give it to go `beside` the move, as a new row in the same statement.
    """
    old = getattr(instance, column)
    if not can(next_states, old, to):
        raise StaleTransition(because("not_from_here", f"{_name(instance)} is {old} and cannot become {to}."))
    changes = {column: to, **fields}
    where = {"pk": instance.pk, column: old}
    update = partial(statements.update_beside, beside) if beside else statements.update
    if update(type(instance), where, **changes) != 1:
        raise StaleTransition(because("moved_on", f"{_name(instance)} is no longer {old}: someone was first."))
    for name, value in changes.items():
        setattr(instance, name, value)


def _name(instance: Model) -> str:
    return f"{type(instance)._meta.verbose_name} {instance}"
