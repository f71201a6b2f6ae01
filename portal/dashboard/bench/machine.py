"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import django
import psutil
from django.db import connection


def described() -> str:
    """Processor, cores, memory, versions and how busy it was before, in one line."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgres,) = cursor.fetchone()
    load = os.getloadavg()[0]
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, Django {django.__version__}, "
        f"PostgreSQL {postgres.split()[0]}; load average {load:.1f}"
    )


def _processor() -> str:
    named = Path("/proc/cpuinfo")
    lines = named.read_text().splitlines() if named.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
