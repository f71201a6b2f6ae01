"""Jobs of the room."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler


@handler("playbooks.open_request", queue="general", about="playbooks.pullrequest")
def open_request(job: Handed) -> str:
    """Push the branch of a proven role and open its pull request."""
    from remediation.playbooks.repository import opening  # noqa: PLC0415 - models are not loaded when this module is

    return opening.open_request(job.subject_id or 0, at=job.at)


@handler("playbooks.take_back_request", queue="general", about="playbooks.pullrequest")
def take_back_request(job: Handed) -> str:
    """Close on the forge what was taken back here."""
    from remediation.playbooks.repository import opening  # noqa: PLC0415 - as above

    return opening.take_back(job.subject_id or 0, at=job.at)


@handler("playbooks.follow_requests", queue="general", every_seconds=60, asked_by=("web", "general"))
def follow_requests(job: Handed) -> str:
    """Look at the role repository: what became of the requests, what people say, which roles there are."""
    from remediation.playbooks.repository import following  # noqa: PLC0415 - as above

    return following.follow(at=job.at)
