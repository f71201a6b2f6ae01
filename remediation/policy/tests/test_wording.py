"""What the limits of a plan are called: each of them, and nothing as the data spells it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import time
from typing import Any

import pytest

from remediation.policy import services as policies
from remediation.policy import wording
from remediation.policy.facts import Limits


def test_every_limit_has_words() -> None:
    data = policies.limits_data(Limits())
    assert data.keys() == wording.LIMITS.keys() == {each.name for each in fields(Limits)}
    assert [name for name, _ in wording.limits(data)] == [name for name, _ in wording.LIMITS.values()]


@pytest.mark.parametrize(
    ("limits", "name", "says"),
    [
        ({}, "Days", "Every day"),
        ({"days": frozenset({0, 1, 2, 3, 4})}, "Days", "Monday to Friday"),
        ({}, "Hours", "At any hour"),
        ({"hours": (time(9), time(17))}, "Hours", "09:00 to 17:00"),
        ({"hours": (time(22), time(4))}, "Hours", "22:00 to 04:00, into the next day"),
        ({}, "Reliability, at least", "What the site says"),
        ({"min_reliability": 90}, "Reliability, at least", "90"),
        ({"min_confidence": 70}, "Confidence, at least", "70 %"),
        ({"allowed_action_types": ()}, "Allowed actions", "None"),
        ({"allowed_action_types": ("restart_pod",)}, "Allowed actions", "restart_pod"),
        ({}, "Allowed systems", "Every system"),
        ({}, "Forbidden commands", "None named"),
        ({"requires_approval": False}, "A person approves", "No"),
        ({}, "Approves itself from a reliability of", "Never"),
        ({"machine_share": 20}, "Left to the machine", "20 % of the tickets"),
        ({}, "Left to the machine", "No ticket"),
        ({}, "Approvers", "Everybody with the grant to sign"),
        ({"max_actions_per_hour": 5}, "Actions per hour, at most", "5"),
        ({}, "Every write needs a way back", "Yes"),
    ],
)
def test_a_limit_in_words(limits: dict[str, Any], name: str, says: str) -> None:
    data = policies.limits_data(replace(Limits(), **limits))
    assert dict(wording.limits(data))[name] == says
