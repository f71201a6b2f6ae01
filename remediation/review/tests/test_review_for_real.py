"""What only shows with real commits: two people at once, and the rights of the probe cluster's role."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.refusals import StaleTransition
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.drafting.states import Status
from remediation.review import services as reviews
from remediation.review.testing import AT, drafted, people, remediation_of, scale, ticket, world


def test_two_editors_at_once_make_one_new_revision(committed_db: str, lab: LabProcess) -> None:
    world()
    cast = people()
    seed.load(AT)
    incident = ticket(cast["engineer"])
    base = drafted(incident)

    def edit(who: Person, summary: str) -> str:
        try:
            reviews.revise(
                base.remediation_id,
                draft=scale(summary=summary),
                base_digest=base.digest,
                person=who,
                door="page",
                at=AT,
            )
        except StaleTransition:
            return "stale"
        finally:
            connection.close()
        return "saved"

    drain("probe")
    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = sorted(pool.map(edit, [cast["reviewer"], cast["approver"]], ["A", "B"]))
    assert answers == ["saved", "stale"]


def test_the_probe_role_s_rights_are_enough_to_prepare(
    committed_db: str, lab: LabProcess, running_as: Callable[[str], Any]
) -> None:
    world()
    cast = people()
    seed.load(AT)
    incident = ticket(cast["engineer"])
    drafted(incident)
    with running_as("probe"):
        drain("probe")
    assert remediation_of(incident).status == Status.IN_REVIEW
