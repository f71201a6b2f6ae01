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
from portal.kit.statements import insert
from portal.kit.testing.queries import statements

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
PROCESSES = ["web", "drafting", "probe", "execution", "general"]
TABLES = ("audit_event", "audit_event_p0", "audit_event_p1")
FORBIDDEN = [
    *(
        statement.format(table)
        for table in TABLES
        for statement in (
            "UPDATE {} SET actor_name = 'somebody else'",
            "UPDATE {} SET body = NULL",
            "DELETE FROM {}",
            "TRUNCATE {}",
            "DROP TABLE {}",
            "ALTER TABLE {} DISABLE TRIGGER ALL",
            "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE {} RENAME TO gone",
            "ALTER TABLE {} OWNER TO CURRENT_USER",
            "ALTER TABLE {} ALTER COLUMN written_by SET DEFAULT 'countersign_web'",
            "CREATE TRIGGER t BEFORE INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        )
    ),
    "MERGE INTO audit_event e USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "ALTER TABLE audit_event DETACH PARTITION audit_event_p0",
    "ALTER TABLE audit_event DETACH PARTITION audit_event_p0 CONCURRENTLY",
    "CREATE TABLE another PARTITION OF audit_event FOR VALUES FROM (900000000) TO (900000001)",
    "DROP POLICY clusters_speak_for_themselves ON audit_event",
    "ALTER POLICY clusters_speak_for_themselves ON audit_event WITH CHECK (true)",
    "CREATE POLICY anything ON audit_event FOR INSERT WITH CHECK (true)",
    "SELECT setval('audit_event_id_seq', 1)",
    "SELECT audit_event_extend()",
    "INSERT INTO audit_event_p0 SELECT * FROM audit_event",
    "UPDATE audit_seal SET root = ''",
    "DELETE FROM audit_seal",
    "TRUNCATE audit_seal",
    "DROP FUNCTION audit_xid_base()",
    "SET ROLE countersign_owner",
    "SET SESSION AUTHORIZATION countersign_owner",
]
STAMPS = {
    "id": "1",
    "xid": "1",
    "recorded_at": "now() - interval '1 year'",
    "written_by": "'countersign_web'",
}


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
@pytest.mark.parametrize("column", STAMPS)
def test_no_role_stamps_an_event_itself(
    committed_db: str, as_role: Callable[[str], Any], process: str, column: str
) -> None:
    given = (
        "at, kind, door, actor_kind, actor_name, subject_kind, subject_id, subject_name, ticket_key, body_digest",
        f"now(), 'a.b', 'job', 'system', '{process}', 's', 1, 's', '', repeat('0', 64)",
    )
    insert = "INSERT INTO audit_event ({}) VALUES ({})"
    with as_role(process) as role:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(insert.format(f"{column}, {given[0]}", f"{STAMPS[column]}, {given[1]}"))
        role.execute(insert.format(*given))
    event = Event.objects.get()
    assert event.written_by == f"countersign_{process}"
    assert event.xid > 1


@pytest.mark.parametrize("process", ["web", "drafting", "probe", "execution"])
def test_only_the_general_cluster_seals(committed_db: str, as_role: Callable[[str], Any], process: str) -> None:
    with as_role(process) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute("INSERT INTO audit_seal (number) VALUES (1)")


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
def test_what_recording_answers_is_what_stands_there() -> None:
    answered = record(actor=Actor("human", 3, "alice", "api"), ticket=Ref("tickets.ticket", 7, "INC-7"), data={"n": 3})
    stored = Event.objects.get()
    for field in Event._meta.concrete_fields:
        assert getattr(answered, field.attname) == getattr(stored, field.attname), field.attname


@pytest.mark.django_db
def test_recording_costs_one_insert() -> None:
    with statements() as queries:
        record()
    assert [query.split()[0] for query in queries] == ["INSERT"]


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


@pytest.mark.django_db
def test_an_event_that_goes_with_its_change_is_as_one_that_is_recorded() -> None:
    said: dict[str, Any] = {"subject": Ref("kit.lamp", 7, "lamp 7"), "ticket": Ref("tickets.ticket", 3, "INC-3")}
    said |= {"actor": system("tests"), "at": AT, "data": {"after": "on"}}
    recorded = audit.record("lamp.lit", **said)
    insert(audit.to_record("lamp.lit", **said))
    first, second = (dict(row) for row in Event.objects.order_by("id").values())
    assert {name for name, value in first.items() if second[name] != value} <= {"id", "recorded_at"}
    assert audit.body_of(recorded) == {"after": "on"}
