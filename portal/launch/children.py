"""Child processes that end when their parent does, however it ends."""

from __future__ import annotations

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def die_with_parent(how: signal.Signals = signal.SIGTERM) -> None:
    """Between fork and exec: have the kernel send the signal `how` when the parent dies, kill -9 included."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, how)
