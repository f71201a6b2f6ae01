"""States of a pull request, as data. Pure."""

from __future__ import annotations

from enum import StrEnum


class RequestStatus(StrEnum):
    """Where a pull request stands. Nobody here can merge one: `merged` is what was seen in the role repository."""

    OPENING = "opening"
    """Asked for, and written down; what the repository has of it is only known once it is open."""
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"
    """Somebody closed it unmerged in the role repository, where it can be opened again."""
    WITHDRAWN = "withdrawn"
    """Taken back here, because the signatures are void or a newer proof took its place."""
    FAILED = "failed"
    """The repository refused it; a person may ask again."""


R = RequestStatus
REQUEST_NEXT: dict[RequestStatus, frozenset[RequestStatus]] = {
    R.OPENING: frozenset({R.OPEN, R.FAILED, R.WITHDRAWN}),
    R.OPEN: frozenset({R.MERGED, R.CLOSED, R.WITHDRAWN}),
    R.CLOSED: frozenset({R.OPEN, R.MERGED, R.WITHDRAWN}),
    R.FAILED: frozenset({R.OPENING, R.WITHDRAWN}),
    R.MERGED: frozenset(),
    R.WITHDRAWN: frozenset(),
}
UNMERGED = frozenset({R.OPENING, R.OPEN})
"""Of requests that may still be merged a remediation has at most one."""
