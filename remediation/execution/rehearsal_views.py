"""The part of the review page about the rehearsal of a plan: what came of the newest, and the button to ask for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access import grants
from portal.access.pages import person_of
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting.models import Remediation
from remediation.execution import rehearsing
from remediation.execution import services as runs
from remediation.review import plans
from remediation.review import views as reviews
from remediation.wayback import services as waysback


@require_POST
@login_required
def rehearse(request: HttpRequest, key: str) -> HttpResponse:
    """Have the open rollout plan rehearsed in the lab."""
    remediation = reviews.find(request, key)
    digest = request.POST.get("digest", "")
    runs.ask_to_rehearse(remediation.pk, digest=digest, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "Workers rehearse it in the lab; this page says when the result is in.")
    return redirect("review", key=key)


def panel(request: HttpRequest, plan: Plan | None) -> Mapping[str, Any] | None:
    """What the panel shows about the plan of a review; nothing where there is nothing to rehearse."""
    if plan is None or plan.stage != Stage.ROLLOUT:
        return None
    newest = waysback.newest_rehearsal(plan.pk)
    if plan.status != PlanStatus.OPEN:
        return {"rehearsal": newest, "plan": plan} if newest else None
    remediation = Remediation.objects.select_related("ticket").get(pk=plan.subject_id)
    granted = grants.of(person_of(request))
    may_ask = any(granted.may(verb, plan.category_id) for verb in ("run", "review"))
    why_not = rehearsing.why_not(plans.read(plan.content), remediation.ticket)
    return {"rehearsal": newest, "plan": plan, "may_ask": may_ask, "why_not": why_not}
