"""How many people sign what: the rules for everybody to read, and their form for those who configure."""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from portal.signoff import ruling
from portal.signoff.forms import RuleForm
from portal.signoff.models import QuorumRule

LIKE_AN_ID = re.compile("[0-9]{1,18}")


@require_safe
@login_required
def quorum(request: HttpRequest) -> HttpResponse:
    """How many people sign what; with `?rule=` the form holds that rule."""
    wanted = request.GET.get("rule", "")
    rule = QuorumRule.objects.filter(pk=int(wanted)).first() if LIKE_AN_ID.fullmatch(wanted) else None
    return _quorum(request, RuleForm(instance=rule))


@require_POST
@login_required
def keep_rule(request: HttpRequest, rule_id: int | None = None) -> HttpResponse:
    """Add a rule, or change one. Who sets no rules is told so, whatever the form says."""
    ruling.refuse_outsiders(person_of(request))
    form = RuleForm(request.POST, instance=get_object_or_404(QuorumRule, pk=rule_id) if rule_id else None)
    if not form.is_valid():
        return _quorum(request, form, status=422)
    try:
        ruling.keep(form.save(commit=False), person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _quorum(request, form, refusal=refusal, status=refusal.status)
    messages.success(request, "The rule holds. Plans that ask for something else now are made afresh.")
    return redirect("quorum")


@require_POST
@login_required
def remove_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Ask for no more than the other rules do."""
    try:
        ruling.remove(rule_id, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _quorum(request, RuleForm(), refusal=refusal, status=refusal.status)
    messages.success(request, "The rule is gone. Plans that ask for something else now are made afresh.")
    return redirect("quorum")


def _quorum(request: HttpRequest, form: RuleForm, *, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
    person = person_of(request)
    rules = QuorumRule.objects.select_related("category", "group")
    context = {
        "form": form,
        "rows": [(rule, ruling.is_set_by(person, rule.category)) for rule in rules],
        "may_add": ruling.sets_any(person),
        "refusal": refusal,
    }
    return render(request, "signoff/quorum.html", context, status=status)
