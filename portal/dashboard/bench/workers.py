"""Execution workers that the bench starts itself, with the secrets and the database role of that queue."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings

from portal.launch import roles, vault
from portal.launch.children import die_with_parent


@contextmanager
def started(count: int) -> Iterator[psutil.Process]:
    """So many worker processes under one supervisor, which is what is handed over; they end with the block."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "workers", "execution", "--processes", str(count)]
    with (Path(settings.DATA_DIR) / "log" / "bench-execution.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env=environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - safe: this process has one thread
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def environment() -> dict[str, str]:
    """What a worker of the execution queue is given."""
    own = vault.without_foreign("execution", os.environ)
    return {**own, "COUNTERSIGN_PROCESS": "execution", "DATABASE_URL": _url()}


def _url() -> str:
    password = vault.Keeper(Path(settings.DATA_DIR) / "secrets").get("execution_password")
    return roles.url_as(os.environ["DATABASE_URL"], roles.role_of("execution"), password)
