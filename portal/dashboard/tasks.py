"""Jobs of the room."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler


@handler("dashboard.make_bundle", queue="general", asked_by=("web",))
def make_bundle(job: Handed) -> str:
    """Make an incident bundle and sign it."""
    from portal.dashboard.bundle import services  # noqa: PLC0415 - models are not loaded when this module is

    return services.make(job.subject_id or 0, at=job.at)


@handler("dashboard.forget_bundles", queue="general", every_seconds=600)
def forget_bundles(job: Handed) -> str:
    """Remove old bundles."""
    from portal.dashboard.bundle import services  # noqa: PLC0415 - see above

    return f"removed {services.forget_old(at=job.at)} bundles"
