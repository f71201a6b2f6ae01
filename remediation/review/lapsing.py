"""What follows when nobody signed or claimed a plan in time: its remediation is back in review. Probe cluster."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.review.preparing import APPROVED, PROBE, return_to_review


def bring_back(plan_id: int, *, at: datetime) -> str:
    """Take an approved remediation back to review after its plan expired; nothing is made anew until somebody asks."""
    plan = Plan.objects.get(pk=plan_id)
    if plan.subject_kind != Remediation._meta.label_lower:
        return "It was about something else."
    with transaction.atomic():
        remediation = remediations.locked(plan.subject_id)
        newer = [each for each in signoffs.live_plans(remediation.ref) if each.pk > plan.pk]
        if newer or remediation.status not in APPROVED:
            return "Nothing was left of it."
        return_to_review(remediation, reason=plan.void_reason, actor=PROBE, at=at)
    return f"Back in review: {plan.void_reason}"
