"""What the page and the API show of a ticket's pull request. Reads the database alone: no page waits for git."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from portal.access import grants
from portal.access.models import Person
from remediation.drafting.models import Remediation
from remediation.drafting.states import OVER
from remediation.playbooks.repository import content as contents
from remediation.playbooks.repository import reading, requests, writing
from remediation.playbooks.repository.models import PullRequest, RequestComment
from remediation.playbooks.repository.reading import Known
from remediation.playbooks.repository.states import RequestStatus
from remediation.tickets.models import Ticket

S = RequestStatus
MOST_COMMENTS = 100
"""The newest ones; all of them stand on the forge."""
NEXT_STEP = {
    S.OPENING: "A worker pushes the branch and opens the request.",
    S.OPEN: "A person merges it as it is. Nothing here can.",
    S.MERGED: "The main branch holds exactly the role that was proven. It runs once its rollout is signed.",
    S.CLOSED: "Somebody closed it unmerged. The role is still proven: open it again there, or ask for a new one.",
    S.FAILED: "The role is still proven: see to what is in the way, and ask again.",
    S.WITHDRAWN: "What it stood for is void. A new one follows the next proof.",
}
DIVERGED = (
    "What is there is not the role that was proven, and will not be run: restore it, or have what is there proven."
)


@dataclass(frozen=True, slots=True)
class Board:
    """A request with what people need beside it, and what this person may do about it."""

    request: PullRequest
    checklist: Sequence[str]
    comments: Sequence[RequestComment]
    known: Known | None
    may_look: bool
    may_ask: bool

    @property
    def next_step(self) -> str:
        """What it waits for, in a sentence."""
        return DIVERGED if self.request.has_diverged else NEXT_STEP[RequestStatus(self.request.status)]

    @property
    def by_hand(self) -> Sequence[str]:
        """How a person merges it where no forge has a button for that."""
        if self.request.status != RequestStatus.OPEN or self.request.url:
            return ()
        remote = settings.ROLE_REPOSITORY
        return (
            f"git clone --branch {remote.branch} {shlex.quote(remote.url)} roles && cd roles",
            f"git merge --no-ff origin/{self.request.branch}",
            f"git push origin {remote.branch}",
        )


def board_of(ticket: Ticket, person: Person) -> Board | None:
    """The newest request of a ticket's newest remediation with one; None where no role was proven."""
    rows = PullRequest.objects.filter(remediation__ticket=ticket).order_by("-remediation__number", "-number")
    request = rows.select_related("remediation__category").first()
    if request is None:
        return None
    request.remediation.ticket = ticket
    may = grants.of(person).may("review", request.category_id) and request.remediation.status not in OVER
    return Board(
        request=request,
        checklist=writing.checklist(contents.from_text(request.content)),
        comments=list(request.comments.order_by("-at", "-id")[:MOST_COMMENTS])[::-1],
        known=reading.known(),
        may_look=may and bool(request.head_commit),
        may_ask=may and _may_be_asked_again(request.remediation, request),
    )


def _may_be_asked_again(remediation: Remediation, request: PullRequest) -> bool:
    return not requests.why_not_again(remediation, request)
