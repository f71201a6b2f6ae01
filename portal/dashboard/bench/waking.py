"""Processes that were made to stand still go on when whoever stopped them is gone, however it went."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_WAKE = """
import os, signal, sys
sys.stdin.read()  # until the other end is closed, which the kernel does for who was killed
for pid in map(int, sys.argv[1:]):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass
"""


@contextmanager
def in_any_case(pids: Sequence[int]) -> Iterator[None]:
    """These go on at the end of the block, and at the latest when this process has ended."""
    command = [sys.executable, "-c", _WAKE, *map(str, pids)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):  # which waits after closing the pipe
        yield
