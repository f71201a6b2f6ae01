"""What jobs are about, for the pages: rooms say how their things are called and where they are seen.

The ledger knows the id of a subject and, from the registry, what kind of thing it is. A room registers in its module
`subjects` how to find the things of one kind, many at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from portal.jobs import registry
from portal.jobs.models import Job, Schedule


@dataclass(frozen=True, slots=True)
class Subject:
    """What people call it, where it is, and the category whose readers may know of it (None: everybody)."""

    name: str
    path: str
    category_id: int | None = None


Finder = Callable[[Collection[int]], Mapping[int, Subject]]
_finders: dict[str, Finder] = {}


def finder(about: str) -> Callable[[Finder], Finder]:
    """Registers the decorated function for what handlers call `about`: it answers subjects by id."""

    def register(function: Finder) -> Finder:
        _finders[about] = function
        return function

    return register


def of(jobs: Iterable[Job]) -> dict[int, Subject]:
    """The subjects of these jobs by the jobs' ids, in one query for each kind of thing; what is gone is left out."""
    wanted: dict[str, dict[int, int]] = defaultdict(dict)
    for job in jobs:
        if job.subject_id is not None and (about := _about(job.kind)) in _finders:
            wanted[about][job.pk] = job.subject_id
    found: dict[int, Subject] = {}
    for about, subjects in wanted.items():
        known = _finders[about](set(subjects.values()))
        found |= {job: known[subject] for job, subject in subjects.items() if subject in known}
    return found


def _about(kind: str) -> str:
    try:
        return registry.handler_of(kind).about
    except registry.UnknownKind:
        return ""


@finder("jobs.job")
def _jobs(ids: Collection[int]) -> Mapping[int, Subject]:
    return {job.pk: Subject(f"job {job.pk}, {job.kind}", f"/jobs/{job.pk}") for job in Job.objects.filter(pk__in=ids)}


@finder("jobs.schedule")
def _schedules(ids: Collection[int]) -> Mapping[int, Subject]:
    return {each.pk: Subject(each.name, "/jobs/schedules") for each in Schedule.objects.filter(pk__in=ids)}
