"""The runbooks that ship: each fits the schema and the catalogue, and its commands are what they say."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.estate.seed import CATEGORIES
from remediation.connectors.catalogue import OPERATIONS
from remediation.knowledge import library
from remediation.knowledge.procedures import PLACEHOLDER, CommandStep, OperationStep, Procedure

SHIPPED = {name: each.procedure for name, each in library.shipped().items()}
EVERY = pytest.mark.parametrize("name", SHIPPED)
READ_ONLY = {
    "certbot certificates",
    "certbot renew",
    "chronyc",
    "df",
    "fail2ban-client status",
    "find",
    "grep",
    "journalctl",
    "logrotate --debug",
    "openssl s_client",
    "psql",
    "redis-cli CONFIG GET",
    "redis-cli INFO",
    "systemctl is-active",
    "systemctl show",
    "systemctl status",
}


def commands_of(procedure: Procedure) -> Iterator[str]:
    for step in procedure.front.steps:
        if isinstance(step, CommandStep):
            yield from (step.preflight.command, step.command, step.verify.command)
            yield from filter(None, [step.rollback.command])


@EVERY
def test_its_file_carries_its_name_and_its_category_exists(name: str) -> None:
    front = SHIPPED[name].front
    assert front.slug == name
    assert front.category in dict(CATEGORIES)


@EVERY
def test_its_operations_exist_and_get_exactly_their_parameters(name: str) -> None:
    for step in SHIPPED[name].front.steps:
        if isinstance(step, OperationStep):
            assert set(step.parameters) == set(OPERATIONS[step.operation].parameters.model_fields)


@EVERY
def test_its_commands_are_single_literal_commands(name: str) -> None:
    for command in commands_of(SHIPPED[name]):
        words = shlex.split(PLACEHOLDER.sub("value", command))
        bare = shlex.shlex(PLACEHOLDER.sub("value", command), posix=False, punctuation_chars=True)
        assert words
        assert not [token for token in bare if set(token) <= set("|&;<>()")], command
        assert "sudo" not in words
        assert words[0] != "rm"


@EVERY
def test_its_looks_only_read(name: str) -> None:
    for step in SHIPPED[name].front.steps:
        if isinstance(step, CommandStep):
            for command in (step.preflight.command, step.verify.command):
                assert any(command.startswith(start) for start in READ_ONLY), command
                assert not command.startswith("certbot renew") or "--dry-run" in command
                assert "makestep" not in command
                assert "vacuum" not in command


@EVERY
def test_its_prose_says_what_to_look_at_before_and_how_to_go_back(name: str) -> None:
    body = SHIPPED[name].body
    assert all(heading in body for heading in ("## Before", "## After", "## Way back"))


def test_every_operation_of_the_catalogue_has_a_runbook() -> None:
    used = {s.operation for p in SHIPPED.values() for s in p.front.steps if isinstance(s, OperationStep)}
    brought = {"apply_role" for procedure in SHIPPED.values() if procedure.role_files}
    assert used | brought == set(OPERATIONS)


def test_every_category_has_a_runbook() -> None:
    assert {procedure.front.category for procedure in SHIPPED.values()} == set(dict(CATEGORIES))


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            "/etc/systemd/journald.conf",
            "[Journal]\n#SystemMaxUse=\n#Seal=yes\n",
            "[Journal]\nSystemMaxUse=500M\n#Seal=yes\n",
        ),
        ("/etc/logrotate.conf", "weekly\nrotate 4\n", "maxage 14\nweekly\nrotate 4\n"),
    ],
)
def test_an_edit_of_the_log_shippers_can_run_twice_and_goes_back_to_the_byte(
    tmp_path: Path, path: str, before: str, after: str
) -> None:
    steps = [s for s in SHIPPED["log-shipper-disk-full"].front.steps if isinstance(s, CommandStep)]
    (step,) = [s for s in steps if s.command.startswith("sed") and s.command.endswith(path)]
    file = tmp_path / "file.conf"
    file.write_text(before)
    for _ in range(2):
        run(step.command, path, file)
        assert file.read_text() == after
    assert step.rollback.command
    run(step.rollback.command, path, file)
    assert file.read_text() == before


def run(command: str, path: str, file: Path) -> None:
    subprocess.run(shlex.split(command.replace(path, str(file))), check=True)


@pytest.mark.parametrize("name", [name for name, procedure in SHIPPED.items() if procedure.front.role])
def test_its_role_has_what_a_role_needs_and_the_defaults_that_are_read_for_it(name: str) -> None:
    use, files = SHIPPED[name].front.role, SHIPPED[name].role_files
    assert use
    assert {"tasks/main.yml", "tasks/backout.yml", "tasks/verify.yml", "defaults/main.yml"} <= files.keys()
    variables = {line.partition(":")[0] for line in files["defaults/main.yml"].splitlines()}
    assert use.defaults.keys() <= variables
