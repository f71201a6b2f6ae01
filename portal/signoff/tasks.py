"""Jobs of the room."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler


@handler("signoff.sweep", queue="general", every_seconds=30)
def sweep(job: Handed) -> str:
    """End plans that nobody signed or claimed in time."""
    from portal.signoff import plans  # noqa: PLC0415 - models are not loaded when this module is

    return f"Ended {plans.sweep(at=job.at)} plans."


@handler("signoff.remind", queue="general", on=("plan.opened",), every_seconds=60, gather_seconds=1)
def remind(job: Handed) -> str:
    """Ask people to sign what waits: what was just opened, unless a machine signed it, and what has something due."""
    from portal.signoff import reminding  # noqa: PLC0415 - as above

    return f"Looked at {reminding.remind(at=job.at)} plans."


@handler("signoff.tell_engaged", queue="general", on=("stop.engaged",), asked_by=("web",), about="signoff.stop")
def tell_engaged(job: Handed) -> str:
    """Tell of an emergency stop."""
    from portal.signoff import telling  # noqa: PLC0415 - as above

    return f"Told {telling.of_stop(job.subject_id or 0, at=job.at)} people."


@handler("signoff.tell_released", queue="general", on=("stop.released",), asked_by=("web",), about="signoff.stop")
def tell_released(job: Handed) -> str:
    """Tell that work goes on."""
    from portal.signoff import telling  # noqa: PLC0415 - as above

    return f"Told {telling.of_release(job.subject_id or 0, at=job.at)} people."


@handler("signoff.tell_delegate", queue="general", on=("delegation.given",), asked_by=("web",))
def tell_delegate(job: Handed) -> str:
    """Tell somebody that they sign for another one."""
    from portal.signoff import telling  # noqa: PLC0415 - as above

    return f"Told {telling.of_delegation(job.subject_id or 0, at=job.at)} people."


@handler("signoff.tell_expired", queue="general", on=("plan.expired",), about="signoff.plan")
def tell_expired(job: Handed) -> str:
    """Tell those who are part of a plan that it ended."""
    from portal.signoff import telling  # noqa: PLC0415 - as above

    return f"Told {telling.of_expiry(job.subject_id or 0, at=job.at)} people."
