"""What each process is handed: its own secrets, its own database role, the lab's address."""

from pathlib import Path

import pytest

from portal.launch import installation, vault
from portal.launch.database import Database
from portal.launch.installation import CLUSTERS, Installation
from portal.launch.roles import role_of

OUTSIDE = {
    "PATH": "/usr/bin",
    "ANTHROPIC_API_KEY": "key",
    "AWS_SECRET_ACCESS_KEY": "x",
    "DATABASE_URL": "postgres://o:p@/d",
}


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    keeper = vault.Keeper(tmp_path / "secrets")
    database = Database(tmp_path / "postgres", keeper, OUTSIDE["DATABASE_URL"], tmp_path / "log")
    return Installation(tmp_path, 8000, 8900, keeper, database, OUTSIDE)


@pytest.mark.parametrize("process", ["web", *CLUSTERS])
def test_a_process_gets_its_own_role_and_no_foreign_secret(here: Installation, process: str) -> None:
    environment = here.environment(process)
    assert vault.foreign(process, environment) == []
    assert environment["DATABASE_URL"].startswith(f"postgres://{role_of(process)}:")
    assert environment["COUNTERSIGN_PROCESS"] == process
    assert "AWS_SECRET_ACCESS_KEY" not in environment


def test_secrets_go_where_they_belong(here: Installation) -> None:
    assert here.environment("drafting")["ANTHROPIC_API_KEY"] == "key"
    assert here.environment("probe")["LAB_READ_TOKEN"] == here.environment("lab")["LAB_READ_TOKEN"]
    assert here.environment("execution")["LAB_WRITE_TOKEN"] == here.environment("lab")["LAB_WRITE_TOKEN"]
    assert here.environment("lab")["DATABASE_URL"] == ""


def test_the_workers_act_on_the_lab_unless_the_operator_says_otherwise(here: Installation) -> None:
    assert here.environment("execution")["AUTO_REMEDIATION_ENABLED"] == "lab"
    off = Installation(here.data, 1, 2, here.keeper, here.database, OUTSIDE | {"AUTO_REMEDIATION_ENABLED": "false"})
    assert off.environment("execution")["AUTO_REMEDIATION_ENABLED"] == "false"


def test_workers_on_a_run_get_the_time_of_the_longest_step_to_stop(here: Installation) -> None:
    quick = Installation(here.data, 1, 2, here.keeper, here.database, OUTSIDE | {"PLAY_SECONDS": "30"})
    patient = Installation(here.data, 1, 2, here.keeper, here.database, OUTSIDE | {"RUN_WRITE_SECONDS": "400"})
    assert [each.cluster("execution").grace for each in (quick, here, patient)] == [120, 360, 460]
    assert max(program.grace for program in (here.web(), here.lab(), here.cluster("general"))) < 120


def test_the_lab_keeps_its_port_while_it_is_free(tmp_path: Path) -> None:
    first = installation.kept_port(tmp_path / "lab.port")
    assert installation.kept_port(tmp_path / "lab.port") == first
    (tmp_path / "lab.port").write_text("not a number")
    assert installation.kept_port(tmp_path / "lab.port") != 0
