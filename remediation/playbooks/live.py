"""What the tasks of a play say while it is played, for pages. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from remediation.playbooks.models import PlayEvent
from remediation.playbooks.shapes import Outcome

MOST = 100
"""Tasks of one play that a page shows; the newest."""


def tasks_of(sources: Collection[str]) -> Mapping[str, Sequence[PlayEvent]]:
    """The newest word of each task by source: how it ended, or that it runs."""
    if not sources:
        return {}
    found: dict[str, dict[tuple[str, str, str], PlayEvent]] = defaultdict(dict)
    for event in PlayEvent.objects.filter(source__in=sources).order_by("id"):
        task = (event.part, event.task, event.place)
        found[event.source].pop(task, None)
        found[event.source][task] = event
    return {source: list(tasks.values())[-MOST:] for source, tasks in found.items()}


def newest(sources: Collection[str]) -> int:
    """A number that grows with every word of these plays; 0 before the first."""
    last = PlayEvent.objects.filter(source__in=sources).order_by("-id").values_list("pk", flat=True).first()
    return last or 0


def is_running(event: PlayEvent) -> bool:
    """Whether the task has begun and not ended."""
    return event.status == Outcome.RUNNING
