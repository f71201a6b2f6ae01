"""Jobs of the room: adapters between the ledger and the services."""

from __future__ import annotations

from django.utils import timezone

from portal.jobs.registry import Handed, handler

MCP = "remediation.connectors.link"


@handler(
    "execution.start",
    queue="execution",
    on=("plan.signed",),
    loads=("remediation.execution.claiming", MCP),
    about="signoff.plan",
)
def start(job: Handed) -> str:
    """Claim a signed rollout plan for workers, leave it to people, or say what it waits for."""
    from remediation.execution import claiming  # noqa: PLC0415 - the execution cluster alone needs the MCP client

    return claiming.start(job.subject_id or 0, tries=int(job.payload.get("tries", 0)), at=job.at)


@handler("execution.advance", queue="execution", loads=("remediation.execution.driving", MCP), about="execution.run")
def advance(job: Handed) -> str:
    """Drive a claimed run as far as it goes."""
    from remediation.execution import driving  # noqa: PLC0415 - see above

    return driving.drive(
        job.subject_id or 0,
        clock=timezone.now,
        keeps_lease=job.holds,
        is_stopping=job.is_stopping,
        came_further=job.came_further,
        released_stop=job.payload.get("released_stop"),
    )


@handler(
    "execution.rehearse",
    queue="execution",
    loads=("remediation.execution.rehearsal", MCP),
    about="wayback.rehearsal",
)
def rehearse(job: Handed) -> str:
    """Do and undo the steps of a plan in the lab."""
    from remediation.execution import rehearsal  # noqa: PLC0415 - see above

    return rehearsal.rehearse(
        job.subject_id or 0, clock=timezone.now, keeps_lease=job.holds, is_stopping=job.is_stopping
    )


@handler(
    "execution.prove",
    queue="execution",
    loads=("remediation.execution.proving", MCP),
    about="playbooks.proof",
)
def prove(job: Handed) -> str:
    """Prove the role of a signed merge plan on its canary."""
    from remediation.execution import proving  # noqa: PLC0415 - see above

    return proving.prove(job.subject_id or 0, clock=timezone.now, keeps_lease=job.renew)


@handler("execution.give_up_on_lost", queue="general", every_seconds=60)
def give_up_on_lost(job: Handed) -> str:
    """Hand runs, rehearsals and proofs without a worker to people."""
    from remediation.execution import advancing, proving, rehearsing  # noqa: PLC0415 - models are not loaded before

    runs, rehearsals = advancing.give_up_on_lost(at=job.at), rehearsing.give_up_on_lost(at=job.at)
    return f"{runs} lost runs, {rehearsals} lost rehearsals, {proving.give_up_on_lost(at=job.at)} lost proofs"


@handler("execution.start_merged", queue="general", on=("request.merged",), about="drafting.remediation")
def start_merged(job: Handed) -> str:
    """A person merged the role of a plan: where its rollout is signed, workers need not rest any longer."""
    from remediation.execution import advancing  # noqa: PLC0415 - models are not loaded when this module is

    return advancing.wake(job.subject_id or 0, at=job.at)
