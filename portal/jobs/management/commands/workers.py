"""`manage.py workers QUEUE`: the worker clusters of one queue."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.jobs.registry import QUEUES

_PROCESSES = {
    "drafting": 2,
    "probe": 2,
    "execution": 2,
}  # who waits for an answer from outside shall not hold up another


class Command(BaseCommand):
    help = "Runs the worker clusters of one queue until SIGTERM, which lets the job in hand finish."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", choices=QUEUES)
        parser.add_argument("--processes", type=int, help="worker processes, each in a cluster of its own")

    def handle(self, *, queue: str, processes: int | None, **_: Any) -> None:
        if queue != settings.COUNTERSIGN_PROCESS:
            raise CommandError(f"Set COUNTERSIGN_PROCESS={queue}: a worker holds the secrets of its own queue only.")
        from portal.jobs.supervisor import Supervisor  # noqa: PLC0415 - django-q2's cluster is loaded where it runs

        Supervisor(queue, processes or _PROCESSES.get(queue, 1)).run()
