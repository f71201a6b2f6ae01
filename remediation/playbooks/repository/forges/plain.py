"""A plain git remote: the branch is the request. People merge with git, and comment elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from remediation.playbooks.repository.forges import Opened, Opening, Remark, Seen
from remediation.playbooks.repository.states import RequestStatus


class Plain:
    """Nothing but branches."""

    def open(self, opening: Opening) -> Opened:
        return Opened()

    def find(self, branch: str) -> Opened | None:
        return Opened()

    def status(self, branch: str, number: str, heads: Mapping[str, str]) -> Seen:
        """Open while the branch is there; whoever removes it without merging has closed the request."""
        head = heads.get(branch)
        return Seen(RequestStatus.OPEN, head) if head else Seen(RequestStatus.CLOSED)

    def remarks(self, number: str) -> Sequence[Remark]:
        return ()

    def comment(self, number: str, text: str) -> None:
        """There is nobody to hear it."""

    def close(self, number: str) -> None:
        """Its branch is removed by whoever pushed it."""


@contextmanager
def connected() -> Iterator[Plain]:
    """There is nothing to connect to."""
    yield Plain()
