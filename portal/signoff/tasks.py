"""Jobs of the room."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler


@handler("signoff.sweep", queue="general", every_seconds=30)
def sweep(job: Handed) -> str:
    """End plans that nobody signed or claimed in time."""
    from portal.signoff import plans  # noqa: PLC0415 - models are not loaded when this module is

    return f"Ended {plans.sweep(at=job.at)} plans."
