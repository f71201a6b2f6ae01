"""Processes that an earlier launcher left behind, found by a mark in their environment: never a stranger's."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

MARK = "COUNTERSIGN_LAUNCHED_FROM"


def mark(data: Path) -> dict[str, str]:
    """What every process of this installation carries in its environment, and so do the processes it starts."""
    return {MARK: str(data)}


def end(data: Path, *, patience: float = 3.0) -> int:
    """End every marked process of this installation, politely first; returns how many there were."""
    found = [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_marked(process, data)]
    for process in found:
        _signal(process, kill=False)
    _, stubborn = psutil.wait_procs(found, timeout=patience)
    for process in stubborn:
        _signal(process, kill=True)
    psutil.wait_procs(stubborn, timeout=patience)
    return len(found)


def _is_marked(process: psutil.Process, data: Path) -> bool:
    try:
        return bool(process.environ().get(MARK) == str(data))
    except psutil.Error:
        return False


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
