"""How jobs about pull requests and proofs are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from remediation.playbooks.models import Proof
from remediation.playbooks.repository.models import PullRequest


@finder("playbooks.pullrequest")
def pull_requests(ids: Collection[int]) -> Mapping[int, Subject]:
    """Pull requests, by the tickets whose roles they carry."""
    rows = PullRequest.objects.filter(pk__in=ids).values_list("pk", "remediation__ticket__key", "category_id")
    return {pk: Subject(f"pull request for {key}", f"/tickets/{key}/review", category) for pk, key, category in rows}


@finder("playbooks.proof")
def proofs(ids: Collection[int]) -> Mapping[int, Subject]:
    """Proofs, by the tickets whose roles they try."""
    of = "revision__remediation__"
    rows = Proof.objects.filter(pk__in=ids).values_list("pk", f"{of}ticket__key", f"{of}category_id")
    return {pk: Subject(f"proof {pk} of {key}", f"/tickets/{key}/review", category) for pk, key, category in rows}
