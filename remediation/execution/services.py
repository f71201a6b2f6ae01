"""The verbs of the room, for its doors and for the rooms above."""

from __future__ import annotations

from remediation.execution.manual import Report, report, take_over
from remediation.execution.manual import start as start_by_hand
from remediation.execution.operating import give_up, pause, resume, retry, roll_back, stop_after_step, stop_now
from remediation.execution.rehearsing import ask as ask_to_rehearse
from remediation.execution.skipping import ask as ask_to_skip
from remediation.execution.skipping import sign as sign_skip

__all__ = [
    "Report",
    "ask_to_rehearse",
    "ask_to_skip",
    "give_up",
    "pause",
    "report",
    "resume",
    "retry",
    "roll_back",
    "sign_skip",
    "start_by_hand",
    "stop_after_step",
    "stop_now",
    "take_over",
]
