"""What django-q2 must be told, and the ledger's own few times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def q_cluster(environ: Mapping[str, str]) -> dict[str, Any]:
    """The setting Q_CLUSTER. One worker in each cluster, so that a silent cluster is a stalled one.

    `timeout` is how many seconds one job's handler may run; a longer piece of work is several jobs. `lease` and
    `silence` are ours: how long a dead worker keeps its job, and how long a cluster may go without a sign of life
    before its supervisor replaces it.
    """
    longest = int(environ.get("JOBS_LONGEST_SECONDS", "900"))
    return {
        "name": "countersign",
        "broker_class": "portal.jobs.broker.LedgerBroker",
        "workers": 1,
        "queue_limit": 1,
        "bulk": 1,
        "recycle": 10_000,
        "timeout": longest,
        "retry": longest * 4,  # more than timeout * (ceil((queue_limit + 1) / workers) + 1), or django-q2 warns
        "max_attempts": 1,
        "ack_failures": True,
        "save_limit": -1,
        "catch_up": False,
        "scheduler": False,
        "poll": 0.5,
        "lease": float(environ.get("JOBS_LEASE_SECONDS", "10")),
        "silence": float(environ.get("JOBS_SILENCE_SECONDS", "20")),
    }
