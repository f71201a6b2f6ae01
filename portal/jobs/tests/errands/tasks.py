"""Jobs that do what a test of worker processes needs done."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from django.db import connection, transaction

from portal.jobs.registry import Handed, handler


@handler("errand.introduce", queue="probe", on=("errands.asked",))
def introduce(job: Handed) -> str:
    """Says which process group did it and which process."""
    return f"{os.getpgrp()} {os.getpid()}"


@handler("errand.count", queue="probe")
def count(job: Handed) -> str:
    """Says the how manyth it is of those that share what they leave for each other."""
    job.shared["done"] = job.shared.get("done", 0) + 1
    return str(job.shared["done"])


@handler("errand.nap", queue="probe")
def nap(job: Handed) -> str:
    time.sleep(job.payload["seconds"])
    return "slept"


@handler("errand.be_deaf", queue="probe")
def be_deaf(job: Handed) -> str:
    """Goes on whatever interrupts it."""
    while True:
        with suppress(BaseException):
            time.sleep(job.payload["seconds"])


@handler("errand.march", queue="probe")
def march(job: Handed) -> str:
    """One short step after the other, until somebody says stop."""
    while not job.is_stopping():
        time.sleep(0.2)
    return "told to stop, and the step in hand is done"


@handler("errand.fail", queue="probe")
def fail(job: Handed) -> str:
    raise OSError("no such host")


@handler("errand.lose_connection", queue="probe")
def lose_connection(job: Handed) -> str:
    with transaction.atomic(), connection.cursor() as cursor:  # Django opens another connection at the end of the block
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return "unreachable"


@handler("errand.die", queue="probe")
def die(job: Handed) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "unreachable"


@handler("errand.look", queue="probe", loads=("portal.jobs.tests.errands.heavy",))
def look(job: Handed) -> str:
    """Says whether what it needs was there before it started."""
    return str("portal.jobs.tests.errands.heavy" in sys.modules)
