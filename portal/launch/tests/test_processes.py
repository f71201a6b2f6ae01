"""Children are watched, revived and ended, with everything they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from portal.launch import leftovers
from portal.launch.processes import Processes, Program

PATIENCE = 60.0  # how long to wait for what must happen; nothing is measured by it


def until(happened: Callable[[], bool], meanwhile: Callable[[], None] = lambda: time.sleep(0.02)) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up_at, "it did not happen"
        meanwhile()


def python(name: str, code: str, **environment: str) -> Program:
    return Program(name, [sys.executable, "-u", "-c", code], {"PATH": os.environ["PATH"], **environment})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def processes(tmp_path: Path, said: list[str]) -> Iterator[Processes]:
    made = Processes(tmp_path / "log", said.append, also=lambda: None)
    yield made
    made.stop()


def test_a_child_that_dies_is_started_again_and_that_is_said(
    processes: Processes, said: list[str], tmp_path: Path
) -> None:
    code = f"import time; open({str(tmp_path / 'lives')!r}, 'a').write('x'); time.sleep(0.1); raise SystemExit(3)"
    processes.start(python("frail", code))
    until(lambda: (tmp_path / "lives").exists() and (tmp_path / "lives").read_text() == "xxx", processes.turn)
    assert [line.partition(",")[0] for line in said[:2]] == [
        "frail ended (code 3); starting it again in 1 s",
        "frail ended (code 3); starting it again in 2 s",
    ]


def test_output_goes_to_the_log_and_only_problems_to_the_terminal(
    processes: Processes, said: list[str], tmp_path: Path
) -> None:
    code = "print('INFO all is well'); print('ERROR the disk is full'); import time; time.sleep(60)"
    processes.start(python("web", code))
    until(lambda: bool(said), processes.turn)
    assert said == ["web | ERROR the disk is full"]
    assert (tmp_path / "log" / "web.log").read_text() == "INFO all is well\nERROR the disk is full\n"


def test_a_command_runs_to_its_end_and_its_lines_are_passed_on(processes: Processes) -> None:
    heard: list[str] = []
    assert processes.run(python("once", "print('one'); print('two'); raise SystemExit(7)"), heard.append) == 7
    assert heard == ["one", "two"]


def test_a_stop_asks_the_main_process_and_then_ends_what_it_left(processes: Processes, tmp_path: Path) -> None:
    code = (
        "import os, signal, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"def leave(*_): open({str(tmp_path / 'asked')!r}, 'w').close(); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid) + '.')\n"
        "time.sleep(600)"
    )
    processes.start(python("parent", code))
    pid_file = tmp_path / "child"
    until(lambda: pid_file.exists() and pid_file.read_text().endswith("."))
    processes.stop()
    assert (tmp_path / "asked").exists()
    until(lambda: not _is_alive(int(pid_file.read_text()[:-1])))


def test_who_may_take_longest_is_told_first_and_served_until_it_is_done(processes: Processes, tmp_path: Path) -> None:
    def leaving(name: str, how: str) -> Program:
        place = f"import os, pathlib, signal, time; here = pathlib.Path({str(tmp_path)!r})\n"
        leave = f"def leave(*_): {how}; (here / '{name} left').touch(); os._exit(0)\n"
        wait = f"signal.signal(signal.SIGTERM, leave); (here / '{name} is up').touch(); time.sleep(600)"
        return python(name, place + leave + wait)

    served = "(here / 'was served').write_text(str(not (here / 'lab left').exists()))"
    processes.start(leaving("lab", "pass"))
    processes.start(replace(leaving("execution", f"time.sleep(0.5); {served}"), grace=PATIENCE))
    until(lambda: all((tmp_path / f"{name} is up").exists() for name in ("lab", "execution")))
    processes.stop()
    assert (tmp_path / "was served").read_text() == "True"
    assert (tmp_path / "lab left").exists()


def test_a_stop_that_is_hurried_waits_for_nobody(processes: Processes, said: list[str]) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ERROR up'); time.sleep(600)"
    running = processes.start(replace(python("stubborn", stubborn), grace=600.0))
    until(lambda: bool(said), processes.turn)
    processes.hurry()
    processes.stop()
    assert running.process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_children_end_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    launcher = (
        "import sys; from pathlib import Path; from portal.launch.processes import Processes, Program\n"
        f"processes = Processes(Path({str(tmp_path)!r}), print, also=lambda: None)\n"
        "child = processes.start(Program('child', [sys.executable, '-c', 'import time; time.sleep(600)'], {}))\n"
        "print(child.process.pid, flush=True)\n"
        "while True: processes.turn()"
    )
    parent = subprocess.Popen([sys.executable, "-c", launcher], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _is_alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: not _is_alive(child))


def test_leftovers_are_found_by_their_mark_and_strangers_are_left_alone(tmp_path: Path) -> None:
    def sleeper(data: Path) -> subprocess.Popen[bytes]:
        stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        return subprocess.Popen([sys.executable, "-c", stubborn], env=leftovers.mark(data))

    mine, other = sleeper(tmp_path / "mine"), sleeper(tmp_path / "other")
    try:
        until(lambda: leftovers.end(tmp_path / "mine", patience=0.5) == 0)
        assert mine.poll() is not None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
