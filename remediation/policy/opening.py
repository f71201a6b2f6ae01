"""Whether the next part of what was signed may begin now: no freeze holds, and the policy's hours are open."""

from __future__ import annotations

from datetime import datetime

from portal.estate.models import Category
from portal.signoff import brakes
from remediation.policy import services
from remediation.policy.windows import is_open


def closed_because(category: Category, *, at: datetime) -> str:
    """Why nothing new begins in this category at that moment, in a sentence; empty if it may."""
    if freeze := brakes.frozen(category.pk, at):
        return f"A freeze holds: {freeze.reason}, until {freeze.ends_at:%Y-%m-%d %H:%M} UTC."
    policy = services.policy_of(category.pk)
    limits = services.limits_of(policy) if policy else None
    if limits and not is_open(at, limits.hours, limits.zone, limits.days):
        return f"It is outside the hours of the policy of {category.name}."
    return ""
