"""The trail can be added to and read, by every role; nothing else works, on the table or on its partitions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection
from django.utils import timezone

from portal.audit import services as audit
from portal.audit.models import Event
from portal.jobs import services as jobs
from portal.jobs.testing import drain
from portal.kit import canonical
from portal.kit.actors import Actor, Ref, system

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
PROCESSES = ["web", "drafting", "probe", "execution", "general"]
FORBIDDEN = [
    "UPDATE audit_event SET actor_name = 'somebody else'",
    "UPDATE audit_event_p0 SET actor_name = 'somebody else'",
    "DELETE FROM audit_event",
    "DELETE FROM audit_event_p0",
    "TRUNCATE audit_event",
    "TRUNCATE audit_event_p0",
    "ALTER TABLE audit_event DETACH PARTITION audit_event_p0",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "DROP TABLE audit_event_p0",
    "SELECT setval('audit_event_id_seq', 1)",
    "SELECT audit_event_extend()",
]


def record(**changes: Any) -> Event:
    arguments: dict[str, Any] = {"actor": system("probe"), "at": AT, "subject": Ref("tickets.ticket", 7, "INC-7")}
    return audit.record("ticket.opened", **{**arguments, **changes})


@pytest.mark.parametrize("process", PROCESSES)
def test_no_role_can_change_or_remove_an_event(committed_db: str, as_role: Callable[[str], Any], process: str) -> None:
    record()
    with as_role(process) as role:
        for statement in FORBIDDEN:
            if process == "general" and "audit_event_extend" in statement:
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)
        assert role.execute("SELECT actor_name FROM audit_event").fetchall() == [("probe",)]


@pytest.mark.parametrize("process", PROCESSES)
def test_every_role_can_add_an_event(committed_db: str, running_as: Callable[[str], Any], process: str) -> None:
    with running_as(process):
        record(actor=system(process))
    assert Event.objects.get().actor_name == process


@pytest.mark.parametrize("process", ["drafting", "probe", "execution", "general"])
def test_no_cluster_says_that_a_person_acted(committed_db: str, running_as: Callable[[str], Any], process: str) -> None:
    for forged in (
        Actor("human", 3, "alice", "job"),
        Actor("system", 3, process, "job"),
        Actor("system", None, "x", "api"),
    ):
        with running_as(process), pytest.raises(ProgrammingError, match="row-level security"):
            record(actor=forged)
    with running_as("web"):
        record(actor=Actor("human", 3, "alice", "page"))
    assert Event.objects.get().actor_name == "alice"


@pytest.mark.django_db
def test_an_event_says_who_did_what_to_what_through_which_door() -> None:
    ticket = Ref("tickets.ticket", 7, "INC-7")
    alice = Actor("human", 3, "alice", "admin")
    event = record(actor=alice, ticket=ticket, data={"before": "open", "after": "closed", "n": 3})
    assert (event.actor_id, event.door, event.ticket_key, event.subject_name) == (3, "admin", "INC-7", "INC-7")
    assert audit.body_of(event) == {"before": "open", "after": "closed", "n": 3}
    assert event.body_digest == canonical.digest_of(event.body or "")


@pytest.mark.django_db
def test_what_has_no_canonical_text_is_not_recorded() -> None:
    with pytest.raises(canonical.NotCanonical, match="rate"):
        record(data={"rate": 0.5})
    assert not Event.objects.exists()


def test_the_general_cluster_keeps_partitions_ahead_and_nobody_else_can(
    committed_db: str, running_as: Callable[[str], Any]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('audit_event_id_seq', 19999999)")
    jobs.enqueue("jobs.extend_partitions", at=timezone.now())
    with running_as("general"):
        assert drain("general") == ["jobs.extend_partitions: made 1 partitions"]


def test_partitions_stay_ahead_of_the_ids(committed_db: str) -> None:
    """On a database of its own: a sequence does not roll back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('audit_event_id_seq', 29999999)")
        cursor.execute("SELECT audit_event_extend()")
        assert cursor.fetchone() == (2,)
        first, second = record(), record()
        assert (first.pk, second.pk) == (30_000_000, 30_000_001)
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM audit_event")
        assert cursor.fetchall() == [("audit_event_p3",)]
