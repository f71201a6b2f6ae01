"""The verbs of the room, for its doors and for the rooms above."""

from __future__ import annotations

from remediation.execution.manual import Report, report, take_over
from remediation.execution.manual import start as start_by_hand
from remediation.execution.operating import give_up, resume, roll_back

__all__ = ["Report", "give_up", "report", "resume", "roll_back", "start_by_hand", "take_over"]
