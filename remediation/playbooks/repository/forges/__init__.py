"""What a forge has to be able to do, and which one the settings name. None of them is ever asked to merge.

A new forge is a class with these six methods and a line in `of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from remediation.playbooks.repository.conf import Remote
from remediation.playbooks.repository.states import RequestStatus


@dataclass(frozen=True, slots=True)
class Opening:
    """A request as it is opened; its branch is there already."""

    branch: str
    title: str
    body: str
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Opened:
    """How the forge calls a request, and where people find it; a plain git remote has neither."""

    number: str = ""
    url: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a request stands on the forge. `remarks` is how many comments it has; None where there are none to ask for.

    `changed_at` is when anything of it changed, by the forge's clock; None where it does not say.
    A plain git remote does not know of merges: there the main branch says.
    """

    status: RequestStatus
    head: str = ""
    merged_commit: str = ""
    merged_by: str = ""
    merged_at: datetime | None = None
    remarks: int | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody said about a request; `place` is file and line where it is about one."""

    id: str
    author: str
    text: str
    place: str
    at: datetime


class Forge(Protocol):
    """Opens requests and follows them. Every method raises git.Unreachable or git.Rejected."""

    def open(self, opening: Opening) -> Opened:
        """Open a request, unless there is one for this branch."""

    def find(self, branch: str) -> Opened | None:
        """The request for a branch, open or not."""

    def status(self, branch: str, number: str, heads: Mapping[str, str]) -> Seen:
        """How it stands; `heads` are the newest commits of the remote's branches."""

    def remarks(self, number: str) -> Sequence[Remark]:
        """What people said about it."""

    def comment(self, number: str, text: str) -> None:
        """Say something about it."""

    def close(self, number: str) -> None:
        """Take it back, unmerged."""


def of(remote: Remote) -> AbstractContextManager[Forge]:
    """The forge of a repository, with a connection that ends with the block."""
    from remediation.playbooks.repository.forges import github, plain  # noqa: PLC0415 - they build on this module

    return github.connected(remote) if remote.forge == "github" else plain.connected()
