"""What a program in the jail cannot do, tried by real programs in a real jail."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from remediation.playbooks import jail, jailed

SECONDS = 180


def tried(script: str, cell: jail.Cell | None = None) -> tuple[int, str]:
    """How a script ended in the jail, and all that it printed."""
    ran = jailed.run(cell or jail.Cell(), ["sh", "-c", script], seconds=SECONDS)
    assert not ran.error
    return ran.status, ran.log


def test_a_jail_can_be_set_up_here() -> None:
    assert jail.missing() == ""


def test_no_network_is_reached_not_even_this_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        port = server.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        status, said = tried(f'{jail.PYTHON} -c "{connect}"')
        assert status != 0
        assert "OSError" in said or "Error" in said
        with pytest.raises(BlockingIOError):
            server.accept()


def test_nothing_of_the_environment_or_of_other_homes_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted-in-the-environment")
    secret = tmp_path / "secret"
    secret.write_text("planted-in-a-file")
    status, said = tried(f"env; cat {secret} /etc/shadow {Path.home()}/.bashrc; ls {tmp_path} /var /run /sys; true")
    assert status == 0
    assert "planted" not in said
    assert said.count("No such file or directory") == 7


@pytest.mark.parametrize(
    "path",
    [
        "/escaped",
        "/usr/escaped",
        "/etc/escaped",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/dev/escaped",
        f"{jail.PYTHON}-escaped",
    ],
)
def test_nothing_can_be_written_outside_its_own_memory(path: str) -> None:
    existed = os.path.lexists(path)
    status, said = tried(f"echo escaped > {path}")
    assert status != 0
    assert "Read-only" in said or "nonexistent" in said, said
    assert os.path.lexists(path) == existed


@pytest.mark.parametrize("device", ["null", "tty", "urandom"])
def test_the_devices_of_this_host_keep_their_mode_and_still_work(device: str) -> None:
    mode = Path("/dev", device).stat().st_mode
    status, said = tried(f"chmod 000 /dev/{device}")
    assert status != 0
    assert "Read-only" in said or "not permitted" in said
    assert Path("/dev", device).stat().st_mode == mode
    assert tried("echo gone > /dev/null && head -c 4 /dev/urandom | wc -c") == (0, "4\n")


@pytest.mark.parametrize(
    "command", ["unshare --user true", "mount -o remount,rw /", "mount -t tmpfs none /mnt", "chroot /usr"]
)
def test_it_gains_no_rights(command: str) -> None:
    assert tried(command)[0] != 0
    assert "CapEff:\t0000000000000000" in tried("cat /proc/self/status")[1]


def test_it_sees_and_ends_no_process_of_this_host() -> None:
    status, said = tried(f"kill -0 {os.getpid()}; ls -d /proc/[0-9]* | wc -l")
    assert status == 0
    assert int(said.split()[-1]) < 10


def test_what_is_handed_over_is_there_and_read_only() -> None:
    files = {"/job/note": jail.File("hello"), "/job/run": jail.File("#!/bin/sh\nid -u\n", is_program=True)}
    status, said = tried("cat /job/note; /job/run; rm /job/note", jail.Cell(files=files))
    assert status != 0
    assert said.startswith("hello0\n")


def test_a_folder_that_is_named_can_be_written_and_nothing_else_of_it_leaves(tmp_path: Path) -> None:
    status, _ = tried("echo kept > /out/kept; ln -s /etc/passwd /out/link; true", jail.Cell(writes={"/out": tmp_path}))
    assert status == 0
    assert (tmp_path / "kept").read_text() == "kept\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["sh", "-c", "yes"], "It printed more than"),
        (["sh", "-c", "for i in $(seq 300); do sleep 60 & done; wait"], "It started more than"),
        ([jail.PYTHON, "-c", "import time; a = b'x' * 400_000_000; time.sleep(60)"], "It took more than"),
        (["sleep", "600"], "It took longer than"),
    ],
)
def test_what_takes_too_much_is_ended(command: Sequence[str], reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jailed, "MOST_MEMORY", 256 * jail.MEBIBYTE)
    ran = jailed.run(jail.Cell(), command, seconds=3 if command[0] == "sleep" else SECONDS)
    assert ran.error.startswith(reason)
    assert ran.status != 0


def test_what_is_stopped_ends_with_all_that_it_started(tmp_path: Path) -> None:
    cell, script = jail.Cell(writes={"/out": tmp_path}), "setsid sleep 86399 & echo on > /out/begun; sleep 86399"
    ran = jailed.run(cell, ["sh", "-c", script], seconds=SECONDS, is_to_stop=(tmp_path / "begun").exists)
    assert (ran.error, ran.is_stopped) == ("It was stopped.", True)
    assert not [each for each in psutil.process_iter(["cmdline"]) if "86399" in (each.info["cmdline"] or ())]


def test_what_was_started_by_somebody_who_is_gone_does_not_begin() -> None:
    with jail.command_of(jail.Cell(), ["echo", "begun"]) as (command, descriptors, held):
        begun = [
            subprocess.run(command, pass_fds=descriptors, stdin=stdin, capture_output=True, check=False)
            for stdin in (subprocess.DEVNULL, held)
        ]
    assert [(each.returncode, each.stdout) for each in begun] == [(1, b""), (0, b"begun\n")]


def test_its_memory_has_a_size() -> None:
    status, said = tried("for n in 1 2 3; do dd if=/dev/zero of=/tmp/big$n bs=1M count=40 || exit 3; done")
    assert status == 3
    assert "No space left" in said


def test_lines_come_whole_and_one_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    script = f'{jail.PYTHON} -c \'print("é" * 50_000); print("x" * 300_000)\''
    assert jailed.run(jail.Cell(), ["sh", "-c", script], seconds=SECONDS, on_line=heard.append).is_ok
    assert [len(line) for line in heard] == [50_000, 300_000]
    monkeypatch.setattr(jailed, "LONGEST_LINE", 200_000)
    ran = jailed.run(jail.Cell(), ["sh", "-c", script], seconds=SECONDS, on_line=heard.append)
    assert (ran.error, ran.is_ok) == (jailed.TOO_LONG, False)


def test_a_log_that_is_cut_says_so() -> None:
    ran = jailed.run(jail.Cell(), ["sh", "-c", f"yes | head -c {jailed.LOG + 5}"], seconds=SECONDS)
    assert ran.log.endswith(jailed.CUT.format(left=5))


def test_where_bubblewrap_is_missing_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install bubblewrap" in jail.missing()
    with pytest.raises(jail.NoJail):
        jailed.run(jail.Cell(), ["true"], seconds=SECONDS)
