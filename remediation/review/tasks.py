"""Jobs of the room."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler
from portal.kit import recall

LOADS = ("remediation.review.rechecking", "remediation.connectors.link")


@handler(
    "review.prepare",
    queue="probe",
    on=("revision.created",),
    asked_by=("web", "drafting", "probe", "execution", "general"),
    loads=("remediation.review.preparing", "remediation.connectors.link"),
    about="drafting.revision",
)
def prepare(job: Handed) -> str:
    """Gates, safety checks, decision and plan for a new revision. In an outage, many revisions ask the same."""
    from remediation.connectors import asking  # noqa: PLC0415 - the probe cluster alone needs the MCP client
    from remediation.review import preparing  # noqa: PLC0415

    with recall.among(job.shared):
        return preparing.prepare(job.subject_id or 0, at=job.at, ask=asking.once(job.shared))


@handler("review.recheck", queue="probe", on=("quorum.changed",), every_seconds=600, loads=LOADS, takes={"after": int})
def recheck(job: Handed) -> str:
    """Every live plan, page by page, against what is true now and against a look at its targets."""
    from remediation.connectors import asking  # noqa: PLC0415 - as above
    from remediation.review import rechecking  # noqa: PLC0415

    return rechecking.recheck(after=job.payload.get("after", 0), at=job.at, ask=asking.once(job.shared))


@handler("review.reconsider", queue="probe", on=("policy.changed",), loads=LOADS)
def reconsider(job: Handed) -> str:
    """The live plans of a category whose policy changed."""
    from remediation.review import rechecking  # noqa: PLC0415 - as above

    return rechecking.reconsider(job.subject_id or 0, at=job.at)


@handler("review.weigh", queue="probe", on=("evidence.contradicts",), loads=LOADS, about="tickets.ticket")
def weigh(job: Handed) -> str:
    """The live plan of a ticket to which somebody added evidence against its hypothesis."""
    from remediation.review import rechecking  # noqa: PLC0415 - as above

    return rechecking.weigh(job.subject_id or 0, at=job.at)


@handler("review.tell_signers", queue="general", on=("plan.untrue",), about="signoff.plan")
def tell_signers(job: Handed) -> str:
    """Whoever signed a plan that no longer says what is true is told why it is void."""
    from remediation.review import telling  # noqa: PLC0415 - models are not loaded when this module is

    return telling.signers(job.subject_id or 0, at=job.at)


@handler("review.look", queue="probe", loads=LOADS, about="drafting.remediation")
def look(job: Handed) -> str:
    """Somebody asked to look again: what the pre-flights show becomes evidence."""
    from remediation.review import rechecking  # noqa: PLC0415 - as above

    return rechecking.look(job.subject_id or 0, person_id=job.payload["person"], at=job.at)


@handler("review.bring_back", queue="probe", on=("plan.expired",), about="signoff.plan")
def bring_back(job: Handed) -> str:
    """A plan that nobody signed or claimed in time has ended."""
    from remediation.review import lapsing  # noqa: PLC0415 - models are not loaded when this module is

    return lapsing.bring_back(job.subject_id or 0, at=job.at)


@handler("review.forget_sheets", queue="general", every_seconds=86_400)
def forget_sheets(job: Handed) -> str:
    """Remove old sheets that nobody signed."""
    from remediation.review import sheets  # noqa: PLC0415 - models are not loaded when this module is

    forgotten = 0
    while batch := sheets.forget_unsigned(at=job.at):
        forgotten += batch
        if not job.renew():
            break
    return f"forgot {forgotten} sheets"


@handler("review.after_proof", queue="probe", on=("proof.ended",), about="playbooks.proof")
def after_proof(job: Handed) -> str:
    """A role that was proven goes on to its rollout plan, one whose proof failed goes back to review."""
    from remediation.review import proven  # noqa: PLC0415 - models are not loaded when this module is

    return proven.conclude(job.subject_id or 0, at=job.at)
