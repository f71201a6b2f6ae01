"""Jobs of the room. They run on the drafting cluster, the only one that holds the key for Claude."""

from __future__ import annotations

from django.utils import timezone

from portal.jobs.registry import Handed, handler


@handler("drafting.draft", queue="drafting", on=("ticket.opened",), asked_by=("web",), about="tickets.ticket")
def draft(job: Handed) -> str:
    """A new ticket is drafted."""
    from remediation.drafting import drafting  # noqa: PLC0415 - the other processes do without the drafters

    drafter = drafting.configured_drafter(timezone.now)
    return drafting.draft_ticket(job.subject_id or 0, drafter=drafter, clock=timezone.now)


@handler(
    "drafting.redraft", queue="drafting", on=("remediation.redraft",), asked_by=("web",), about="drafting.remediation"
)
def redraft(job: Handed) -> str:
    """A person asked for a new draft."""
    from remediation.drafting import drafting  # noqa: PLC0415

    drafter = drafting.configured_drafter(timezone.now)
    return drafting.draft_again(job.subject_id or 0, drafter=drafter, clock=timezone.now)
