"""How jobs about pull requests are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from remediation.playbooks.repository.models import PullRequest


@finder("playbooks.pullrequest")
def pull_requests(ids: Collection[int]) -> Mapping[int, Subject]:
    """Pull requests, by the tickets whose roles they carry."""
    rows = PullRequest.objects.filter(pk__in=ids).values_list("pk", "remediation__ticket__key", "category_id")
    return {pk: Subject(f"pull request for {key}", f"/tickets/{key}/review", category) for pk, key, category in rows}
