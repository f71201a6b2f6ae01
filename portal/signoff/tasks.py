"""Jobs of the room."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler


@handler("signoff.sweep", queue="general", every_seconds=30)
def sweep(job: Handed) -> str:
    """End plans that nobody signed or claimed in time."""
    from portal.signoff import plans  # noqa: PLC0415 - models are not loaded when this module is

    return f"Ended {plans.sweep(at=job.at)} plans."


@handler("signoff.remind", queue="general", on=("plan.opened",), every_seconds=60)
def remind(job: Handed) -> str:
    """Ask people to sign what waits: a plan that was just opened, and by the clock what has something due."""
    from portal.signoff import reminding  # noqa: PLC0415 - as above

    return f"Looked at {reminding.remind(at=job.at)} plans."
