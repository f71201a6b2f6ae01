"""Whoever writes into the trail writes under their own name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import ProgrammingError

from portal.audit import services as audit
from portal.audit.models import Event
from portal.kit.actors import Ref, system

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
CLUSTERS = ["drafting", "probe", "execution", "general"]


def record_as(name: str) -> Event:
    return audit.record("run.moved", actor=system(name), at=AT, subject=Ref("execution.run", 1, "run 1"))


@pytest.mark.parametrize("process", CLUSTERS)
def test_no_cluster_records_under_the_name_of_another(
    committed_db: str, running_as: Callable[[str], Any], process: str
) -> None:
    with running_as(process):
        for other in {*CLUSTERS, "web"} - {process}:
            with pytest.raises(ProgrammingError, match="row-level security"):
                record_as(other)
        record_as(process)
    assert Event.objects.get().written_by == f"countersign_{process}"


def test_the_model_s_cluster_has_no_other_name_but_that_of_the_room_that_places_tickets(
    committed_db: str, running_as: Callable[[str], Any]
) -> None:
    with running_as("drafting"):
        for name in ("alice", "review", "signoff", ""):
            with pytest.raises(ProgrammingError, match="row-level security"):
                record_as(name)
        record_as("patterns")
    assert Event.objects.get().actor_name == "patterns"
