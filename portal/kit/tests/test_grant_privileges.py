"""The runtime roles get exactly what the rooms declare: no more, no less, no typo."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.kit import privileges
from portal.kit.management.commands import grant_privileges

AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]


def test_a_role_may_do_what_is_declared_and_nothing_else(committed_db: str, as_role: AsRole) -> None:
    with as_role("web") as web:
        web.execute("DELETE FROM django_session")
        for forbidden in ("DELETE FROM django_content_type", "TRUNCATE django_session", "DROP TABLE django_session"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(forbidden)
    with as_role("drafting") as drafting:
        drafting.execute("SELECT * FROM django_content_type")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            drafting.execute("SELECT * FROM django_session")


def test_what_was_granted_by_hand_is_taken_away(committed_db: str, as_role: AsRole) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT ALL ON django_session TO countersign_probe")
    call_command("grant_privileges", verbosity=0)
    with as_role("probe") as probe, pytest.raises(psycopg.errors.InsufficientPrivilege):
        probe.execute("SELECT * FROM django_session")


@pytest.mark.django_db
def test_a_table_that_no_room_mentions_stops_the_command_by_name() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE forgotten (n int)")
    with pytest.raises(CommandError, match="forgotten: no room's privileges module mentions this table"):
        call_command("grant_privileges", verbosity=0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"no_such_table": {"web": "SELECT"}}, "no_such_table: privileges are declared, but there is no such table"),
        ({"django_session": {"webb": "SELECT"}}, "no role is called webb"),
        ({"django_session": {"web": "SELECT; DROP TABLE x"}}, "is not a list of privileges"),
        ({"django_session": {"web": "ALL"}}, "is not a list of privileges"),
        ({"django_session": {"all": "SELECT, INSERT", "web": "SELECT"}}, "what web gets, everybody has already"),
        ({"django_session": {"all": "UPDATE (a, b)", "web": "UPDATE (b)"}}, "what web gets, everybody has already"),
    ],
)
def test_a_mistake_in_a_declaration_stops_the_command(
    monkeypatch: pytest.MonkeyPatch, entry: grant_privileges.Grants, complaint: str
) -> None:
    monkeypatch.setattr(privileges, "GRANTS", privileges.GRANTS | entry)
    with pytest.raises(CommandError, match=complaint):
        call_command("grant_privileges", verbosity=0)


@pytest.mark.django_db
def test_a_table_belongs_to_one_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "GRANTS", privileges.GRANTS | {"access_person": {"web": "SELECT"}})
    with pytest.raises(CommandError, match="another room grants access_person already"):
        call_command("grant_privileges", verbosity=0)


@pytest.mark.django_db
def test_a_role_that_nobody_made_stops_the_command_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grant_privileges, "ROLES", (*grant_privileges.ROLES, "kitchen"))
    with pytest.raises(CommandError, match="There is no role countersign_kitchen"):
        call_command("grant_privileges", verbosity=0)


def test_columns_can_be_named(committed_db: str, as_role: AsRole, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = privileges.GRANTS | {"django_session": {"web": "SELECT, UPDATE (expire_date, session_data)"}}
    monkeypatch.setattr(privileges, "GRANTS", narrow)
    call_command("grant_privileges", verbosity=0)
    with as_role("web") as web:
        web.execute("UPDATE django_session SET session_data = ''")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("UPDATE django_session SET session_key = ''")


@pytest.mark.parametrize("process", grant_privileges.ROLES)
@pytest.mark.parametrize("table", ["django_q_task", "django_q_schedule", "django_q_ormq"])
def test_no_process_gets_at_the_pickles_of_django_q(
    committed_db: str, as_role: AsRole, process: str, table: str
) -> None:
    with as_role(process) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(f"TABLE {table}")


@pytest.mark.parametrize(
    ("process", "table"),
    [
        ("drafting", "review_gateresult"),
        ("web", "review_gateresult"),
        ("drafting", "policy_decision"),
        ("drafting", "policy_assessment"),
        ("drafting", "tickets_evidence"),
        ("execution", "tickets_evidence"),
        ("drafting", "notices_notice"),
        ("probe", "drafting_remediation"),
        ("general", "patterns_exemplar"),
        ("web", "jobs_clusterbeat"),
    ],
)
def test_a_process_adds_nothing_that_is_not_its_work(
    committed_db: str, as_role: AsRole, process: str, table: str
) -> None:
    with as_role(process) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(f"INSERT INTO {table} DEFAULT VALUES")


@pytest.mark.parametrize(
    ("process", "statement"),
    [
        ("drafting", "UPDATE signoff_plan SET status = 'void'"),
        ("general", "UPDATE signoff_certificate SET granted_at = now()"),
        ("probe", "UPDATE tickets_ticket SET pattern_id = NULL"),
        ("web", "UPDATE tickets_ticket SET opened_by_id = NULL"),
        ("web", "UPDATE signoff_stop SET engaged_by_id = NULL"),
        ("web", "DELETE FROM estate_category"),
        ("drafting", "UPDATE patterns_pattern SET is_eligible = true"),
    ],
)
def test_a_process_changes_nothing_that_is_not_its_work(
    committed_db: str, as_role: AsRole, process: str, statement: str
) -> None:
    with as_role(process) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(statement)
