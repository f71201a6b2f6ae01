"""`make run`: brings the whole installation up, watches it, and takes it down again, PostgreSQL included."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import IO

from portal.launch import installation, leftovers
from portal.launch.database import CannotRun, Database, state_of_code
from portal.launch.installation import CLUSTERS, ROOT, Installation
from portal.launch.processes import Processes
from portal.launch.vault import Keeper

CANNOT_RUN = 2
READY_SECONDS = 60.0
REACH = {
    "lab": "workers act on lab targets only",
    "true": "workers act on every target of a ticket that opted in",
    "false": "workers execute nothing",
}


class Launch:
    """One run, from the first line on the terminal to the last."""

    def __init__(self, here: Installation) -> None:
        self._here = here
        self._processes = Processes(here.data / "log", say, also=lambda: here.database.turn(say))

    def up(self) -> None:
        """Everything started and answering."""
        began = time.monotonic()
        here = self._here
        self._processes.start(here.lab())
        here.database.start()
        say(f"Database: {here.database.place}")
        self._prepare()
        self._processes.start(here.web())
        self._wait("The site", lambda: installation.answers(here.url, "/login"))
        for name in CLUSTERS:  # after the site: they would all want the processor at once, and a person waits for it
            self._processes.start(here.cluster(name))
        self._wait("The lab", lambda: installation.answers(here.lab_url, "/health"))
        say(f"Ready after {time.monotonic() - began:.1f} s.")

    def walk_once(self) -> None:
        """The first start shows the whole loop on three incidents."""
        walked = self._here.data / "walked"
        if walked.exists():
            return
        say(f"Walking the loop once with three incidents: a minute or two. {self._here.url} answers already.")
        if self.run("walkthrough") == 0:
            walked.touch()
        else:
            say("The walkthrough did not get to its end; it is tried again at the next start.")

    def run(self, *command: str) -> int:
        """A management command against the running site, its output on the terminal."""
        return self._processes.run(self._here.command(*command), say)

    def watch(self) -> None:
        """Until somebody interrupts."""
        while True:
            self._processes.turn()

    def down(self) -> None:
        """Everything stopped, what is in hand finished unless somebody interrupts again; and what a start left over."""
        signal.signal(signal.SIGINT, lambda *_: self._processes.hurry())
        for interruption in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(interruption, signal.SIG_IGN)
        self._processes.stop()
        leftovers.end(self._here.data)
        self._here.database.stop()

    def _prepare(self) -> None:
        state = f"{state_of_code(ROOT)} {self._here.lab_url}"  # the seeds say where the lab is
        if self._here.database.is_prepared_for(state):
            return
        say("Preparing the database:")
        if self.run("prepare", "--demo") != 0:
            raise CannotRun(f"The database could not be prepared: see {self._here.data / 'log' / 'prepare.log'}.")
        self._here.database.was_prepared_for(state)

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + READY_SECONDS
        while not ready():
            if time.monotonic() > give_up_at:
                raise CannotRun(f"{what} did not answer within {READY_SECONDS:.0f} s: see {self._here.data / 'log'}.")
            self._processes.turn()


def say(line: str) -> None:
    """One line for the person at the terminal, if there still is one."""
    with suppress(OSError):
        print(line, flush=True)


def welcome(here: Installation) -> None:
    """What a newcomer needs: address, logins, token, and what the workers may touch."""
    say(f"\n  {here.url}\n")
    demo = here.data / "demo.json"
    if demo.exists():
        known = json.loads(demo.read_text())
        for (role, password), people in groupby(
            known["people"], key=lambda person: (person["role"], person["password"])
        ):
            say(f"  {role:<14} {', '.join(person['username'] for person in people):<30} {password}")
        say(f"  {'API token':<14} {known['token']}")
    enabled = here.environment("web")["AUTO_REMEDIATION_ENABLED"].lower()
    say(f"\nAUTO_REMEDIATION_ENABLED={enabled}: {REACH.get(enabled, REACH['false'])}.")
    say(f"Logs are in {here.data / 'log'}. Ctrl-C stops everything.")


def assemble() -> tuple[Installation, IO[str]]:
    """The installation that the environment describes, and the lock that keeps it ours."""
    data = installation.data_folder(os.environ)
    lock = _lock(data / "launch.lock")
    if ended := leftovers.end(data):
        say(f"Ended {ended} processes that an earlier run left behind.")
    keeper = Keeper(data / "secrets")
    url = os.environ.get("DATABASE_URL", "")
    database = Database(data / "postgres", keeper, url, data / "log" / "postgres.log")
    port = installation.free_port(os.environ)
    lab_port = installation.kept_port(data / "lab.port")
    return Installation(data, port, lab_port, keeper, database, os.environ.copy()), lock


def _lock(path: Path) -> IO[str]:
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CannotRun(
            f"Countersign already runs on {path.parent}: stop it (kill {lock.read()}), or name another DATA_DIR."
        ) from None
    lock.truncate(0)
    print(os.getpid(), end="", file=lock, flush=True)
    return lock


def run(then: list[str]) -> int:
    """Up, watched, down; with `then` a management command takes the place of the watching."""
    here, _held = assemble()
    launch = Launch(here)
    for interruption in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interruption, signal.default_int_handler)
    try:
        launch.up()
        if then:
            return launch.run(*then)
        launch.walk_once()
        welcome(here)
        launch.watch()
    except KeyboardInterrupt:
        say("\nStopping ...")
    finally:
        launch.down()
    return 0


def main() -> int:
    """The exit code: 0 stopped as asked, 2 could not run, else the code of the command given with --then."""
    parser = argparse.ArgumentParser(prog="python -m portal.launch", description=__doc__)
    parser.add_argument("--then", nargs=argparse.REMAINDER, default=[], help="run a management command, then stop")
    try:
        return run(parser.parse_args().then)
    except CannotRun as reason:
        print(reason, file=sys.stderr)
        return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main())
