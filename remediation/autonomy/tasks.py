"""Jobs of the room, all on the general cluster: of the clusters only that one may vote, and for machines only."""

from __future__ import annotations

from portal.jobs.registry import Handed, handler

VOTING = ("remediation.autonomy.voting",)


@handler("autonomy.vote", queue="general", on=("plan.opened",), loads=VOTING, about="signoff.plan")
def vote(job: Handed) -> str:
    """Look at a plan that has just been opened."""
    from remediation.autonomy import voting  # noqa: PLC0415 - models are not loaded when this module is

    return voting.vote(job.subject_id or 0, at=job.at)


@handler("autonomy.go_back", queue="general", on=("certificate.revoked",), loads=VOTING, about="signoff.certificate")
def go_back(job: Handed) -> str:
    """A certificate was revoked: what was signed under it is for people now."""
    from remediation.autonomy import voting  # noqa: PLC0415 - see above

    return voting.go_back(job.subject_id or 0, at=job.at)


@handler("autonomy.check", queue="general", every_seconds=300, loads=VOTING)
def check(job: Handed) -> str:
    """Whether drafter, model, prompt and runbooks are still those that earned the certificates."""
    from remediation.autonomy import voting  # noqa: PLC0415 - see above

    return voting.check(at=job.at)
