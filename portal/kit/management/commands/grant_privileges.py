"""Give the runtime roles exactly the privileges that the rooms declare, and take away everything else (law 5).

A room's module `privileges` holds GRANTS: table -> role, or "all" -> privileges as PostgreSQL writes them, for instance
`{"jobs_job": {"all": "SELECT, INSERT", "general": "UPDATE (due_at, state)"}}`. A role gets its own and those of "all".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils.module_loading import module_has_submodule
from psycopg import sql

from portal.kit import partitions

ROLES = ("web", "drafting", "probe", "execution", "general")
Grants = dict[str, dict[str, str]]

_VERB = r"(SELECT|INSERT|UPDATE|DELETE)( ?\( ?\w+( ?, ?\w+)* ?\))?"
PRIVILEGES = re.compile(rf"{_VERB}( ?, ?{_VERB})*")


class Command(BaseCommand):
    """Run by the owner after every migration; can be run again at any time."""

    help = "Give the runtime roles exactly the privileges that the rooms declare."

    def handle(self, *args: Any, **options: Any) -> None:
        grants = declared()
        found = tables()
        if problems := [*mistakes(grants), *differences(set(grants), found), *missing_roles()]:
            raise CommandError("\n".join(problems))
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in [*statements(grants), *functions()]:
                cursor.execute(statement)
        if options["verbosity"]:
            self.stdout.write(f"Privileges on {len(grants)} tables granted to {len(ROLES)} roles.")


def declared() -> Grants:
    """What all rooms declare, as one; a table belongs to one room only."""
    grants: Grants = {}
    for config in apps.get_app_configs():
        if config.module and module_has_submodule(config.module, "privileges"):
            own: Grants = import_module(f"{config.name}.privileges").GRANTS
            if twice := sorted(grants.keys() & own.keys()):
                raise CommandError(f"{config.name}: another room grants {', '.join(twice)} already.")
            grants |= own
    return grants


def tables() -> set[str]:
    """Tables, views and partitioned tables of the database; a partition follows its parent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition"
            " AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')"
        )
        return {name for (name,) in cursor.fetchall()}


def missing_roles() -> list[str]:
    """Roles that nobody has made yet: `make run` does it, and docs/operations.md says how it is done by hand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        found = {name for (name,) in cursor.fetchall()}
    wanted = (f"countersign_{role}" for role in ROLES)
    return [f"There is no role {name}: docs/operations.md says how to make it." for name in wanted if name not in found]


def mistakes(grants: Grants) -> list[str]:
    """Role names and privileges that do not exist, and entries that look as if they took away what "all" gives."""
    entries = [(table, role, text) for table, own in grants.items() for role, text in own.items()]
    return [
        *(f"{table}: no role is called {role}." for table, role, _ in entries if role not in (*ROLES, "all")),
        *(f"{table}: {text!r} is not a list of privileges." for table, _, text in entries if not _fits(text)),
        *(
            f"{table}: what {role} gets, everybody has already."
            for table, role, text in entries
            if role != "all" and _listed(text) <= _listed(grants[table].get("all", ""))
        ),
    ]


def differences(declared_tables: set[str], found: set[str]) -> list[str]:
    """A table that no room declared is a mistake, and so is a declaration without a table."""
    return [
        *(f"{name}: no room's privileges module mentions this table." for name in sorted(found - declared_tables)),
        *(f"{name}: privileges are declared, but there is no such table." for name in sorted(declared_tables - found)),
    ]


def statements(grants: Grants) -> Iterator[sql.Composed]:
    """First nothing for anybody, then what is declared."""
    roles = sql.SQL(", ").join(sql.Identifier(f"countersign_{role}") for role in ROLES)
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(roles)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles)
    yield sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(roles)
    for table, own in grants.items():
        for role in ROLES:
            for privileges in filter(None, (own.get("all"), own.get(role))):
                yield sql.SQL("GRANT {} ON {} TO {}").format(
                    sql.SQL(privileges),
                    sql.Identifier(table),
                    sql.Identifier(f"countersign_{role}"),
                )


def functions() -> Iterator[sql.Composed]:
    """The general cluster keeps partitions ahead of the ids, through the owner's own functions."""
    for table in partitions.partitioned():
        name = sql.Identifier(f"{table}_extend")
        yield sql.SQL("GRANT EXECUTE ON FUNCTION {}() TO countersign_general").format(name)


def _fits(privileges: str) -> bool:
    return PRIVILEGES.fullmatch(privileges) is not None


def _listed(privileges: str) -> set[str]:
    """The single privileges of a list, one column each."""
    found = set()
    for match in re.finditer(_VERB, privileges):
        columns = re.findall(r"\w+", match[2] or "") or [""]
        found |= {f"{match[1]} {column}" for column in columns}
    return found
