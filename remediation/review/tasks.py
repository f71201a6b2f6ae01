"""Jobs of the room."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler


@handler(
    "review.prepare",
    queue="probe",
    on=("revision.created",),
    loads=("remediation.review.preparing", "remediation.connectors.link"),
)
def prepare(job: Handed) -> str:
    """Gates, safety checks, decision and plan for a new revision."""
    from remediation.review import preparing  # noqa: PLC0415 - the probe cluster alone needs the MCP client

    return preparing.prepare(job.subject_id or 0, at=job.at)
