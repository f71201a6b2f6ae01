"""Roles with what stops them, for every gate and for the proof: good ones, broken ones, tricks."""

from __future__ import annotations

from remediation.playbooks.tests import (
    roles_attacks,
    roles_detours,
    roles_good,
    roles_lacking,
    roles_later,
    roles_stopped,
    roles_tricks,
)
from remediation.playbooks.tests.roles_base import Case

CASES: tuple[Case, ...] = (
    *roles_good.CASES,
    *roles_stopped.CASES,
    *roles_lacking.CASES,
    *roles_tricks.CASES,
    *roles_detours.CASES,
    *roles_attacks.CASES,
    *roles_later.CASES,
)

__all__ = ["CASES", "Case"]
