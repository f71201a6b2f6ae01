"""The part of the review page about a proof that is being made, or could not be made, and the button to try again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting.models import Remediation
from remediation.playbooks import live, proofs
from remediation.playbooks.models import Proof
from remediation.review import proven, standing
from remediation.review import services as reviews
from remediation.review.views import find


@require_POST
@login_required
def prove(request: HttpRequest, key: str) -> HttpResponse:
    """Have a proof that could not be made tried again."""
    remediation = find(request, key)
    proof = reviews.prove_again(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, f"Workers prove the role on {proof.host}; this page says when the result is in.")
    return redirect("review", key=key)


@require_safe
@login_required
def follow(request: HttpRequest, key: str) -> HttpResponse:
    """The panel as it stands now; 204 while nothing happened since it was shown."""
    plan = standing.plan_of(find(request, key))
    proof = _proof_of(plan)
    context = panel(request, plan) if proof and request.GET.get("seen") != _seen(proof) else None
    return render(request, "review/proving.html", context) if context else HttpResponse(status=204)


def panel(request: HttpRequest, plan: Plan | None) -> Mapping[str, Any] | None:
    """What the panel shows about a signed merge plan whose role is not proven yet; nothing for any other plan."""
    proof = _proof_of(plan)
    if plan is None or proof is None:
        return None
    source, remediation = proofs.key_of(proof), Remediation.objects.get(pk=plan.subject_id)
    at = timezone.now()
    may_ask = proven.may_ask_again(remediation, plan, person_of(request), at=at)
    return {
        "plan": plan,
        "proof": proof,
        "tasks": live.tasks_of([source]).get(source, ()),
        "may_ask": may_ask,
        "lapsed": None if proof.is_open else signoffs.lapsed(plan, at=at),
        "seen": _seen(proof),
    }


def _proof_of(plan: Plan | None) -> Proof | None:
    if plan is None or plan.stage != Stage.MERGE or plan.status != PlanStatus.SIGNED:
        return None
    return proofs.newest(plan.pk)


def _seen(proof: Proof) -> str:
    """What a reader has seen: changes with every word that is told of the proof."""
    told = hashlib.sha256(proof.says.encode()).hexdigest()[:8] if proof.says else "-"
    return f"{proof.pk}.{proof.status}.{told}.{live.newest([proofs.key_of(proof)])}"
