"""The review page and its buttons: they translate between forms and the room's verbs, and decide nothing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access import grants, sessions
from portal.access.pages import person_of
from portal.audit.models import Event
from portal.kit.refusals import Refusal, Refused, StaleTransition, because
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.review import draft_text, presenting, sheets
from remediation.review import services as reviews
from remediation.review.models import Objection, Sheet
from remediation.review.preparing import CHECKABLE
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket

TIMELINE = 30


@require_safe
@login_required
def page(request: HttpRequest, key: str) -> HttpResponse:
    """Everything a reviewer needs to decide, and what blocks the decision."""
    return _show(request, _find(request, key))


@require_POST
@login_required
def decide(request: HttpRequest, key: str) -> HttpResponse:
    """Sign, request changes, reject. A refusal is shown on the page as it stands now, with the comment kept."""
    remediation = _find(request, key)
    try:
        done = _decide(request, remediation)
    except Refusal as refusal:
        return _show(request, _find(request, key), refusal=refusal, comment=request.POST.get("comment", ""))
    messages.success(request, done)
    return redirect("review", key=key)


@require_POST
@login_required
def tick(request: HttpRequest, key: str) -> HttpResponse:
    """Confirm a REVIEW item, or take it back."""
    remediation = _find(request, key)
    reviews.tick(
        remediation.pk,
        item=request.POST.get("item", ""),
        is_confirmed=request.POST.get("confirmed") == "yes",
        person=person_of(request),
        door="page",
        at=timezone.now(),
    )
    return HttpResponseRedirect(reverse("review", args=[key]) + "#checklist")


@require_POST
@login_required
def prepare_again(request: HttpRequest, key: str) -> HttpResponse:
    """Fresh gates, fresh safety checks, a fresh plan."""
    remediation = _find(request, key)
    reviews.prepare_again(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "The draft is being checked again; a fresh plan follows in a moment.")
    return redirect("review", key=key)


@require_POST
@login_required
def redraft(request: HttpRequest, key: str) -> HttpResponse:
    """Ask the drafter to try again."""
    remediation = _find(request, key)
    remediations.redraft(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "A new draft has been asked for.")
    return redirect("review", key=key)


@login_required
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The draft as text; saving makes a revision. What was typed is never lost to an error."""
    remediation = _find(request, key)
    grants.require(person_of(request), "review", remediation.category)
    head = remediations.head(remediation)
    typed = draft_text.text_of(schema.from_text(head.content)) if head else _blank(remediation.ticket)
    base, refusal = head.digest if head else "", None
    if request.method == "POST":
        typed, base = request.POST.get("draft", "").replace("\r\n", "\n"), request.POST.get("base_digest", "")
        try:
            _revise(request, remediation, typed, base)
        except Refusal as problem:
            refusal = problem
        else:
            messages.success(request, "Saved. The new revision is being checked.")
            return redirect("review", key=key)
    context = {
        "ticket": remediation.ticket,
        "remediation": remediation,
        "typed": typed,
        "base": base,
        "refusal": refusal,
        "is_first": head is None,
        "crumbs": _crumbs(remediation, "Edit" if head else "Write the steps"),
    }
    return render(request, "review/edit.html", context, status=refusal.status if refusal else 200)


def _blank(ticket: Ticket) -> str:
    service = ticket.service.slug if ticket.service else None
    return draft_text.blank_of(title=ticket.title, service=service, systems=ticket.affected_systems)


def _revise(request: HttpRequest, remediation: Remediation, typed: str, base: str) -> None:
    reviews.revise(
        remediation.pk,
        draft=draft_text.data_of(typed),
        base_digest=base,
        person=person_of(request),
        door="page",
        at=timezone.now(),
    )


def _decide(request: HttpRequest, remediation: Remediation) -> str:
    """Carry out what the pressed button says; answers with a sentence about it."""
    verdict, comment = request.POST.get("verdict"), request.POST.get("comment", "")
    person, at = person_of(request), timezone.now()
    if verdict == "sign":
        plan = _plan_read(request, remediation)
        signed = reviews.sign(
            plan.pk,
            digest=request.POST.get("digest", ""),
            stage=request.POST.get("stage", ""),
            person=person,
            ballot=_ballot(request, comment),
            door="page",
            at=at,
        )
        return f"You signed the {signed.stage} stage. " + (
            f"Still missing: {', '.join(signed.missing)}." * bool(signed.missing)
        )
    if verdict == "changes":
        reviews.request_changes(remediation.pk, comment=comment, person=person, door="page", at=at)
        return "You asked for changes; the makers were told."
    if verdict == "reject":
        reason = request.POST.get("reason") or Objection.Reason.OTHER
        reviews.reject(remediation.pk, reason=reason, comment=comment, person=person, door="page", at=at)
        return "You rejected the remediation; the makers were told."
    raise Refused(because("verdict", "Choose what to do: sign, request changes or reject."))


def _ballot(request: HttpRequest, comment: str) -> Ballot:
    return Ballot(
        comment=comment,
        typed=request.POST.get("confirm", "").strip(),
        authenticated_at=sessions.authenticated_at(request),
        sheet=request.POST.get("sheet", ""),
    )


def _plan_read(request: HttpRequest, remediation: Remediation) -> Plan:
    """The plan under the digest the page showed, whatever became of it since."""
    ref = remediation.ref
    plans = Plan.objects.filter(subject_kind=ref.kind, subject_id=ref.id)
    plan = plans.filter(digest=request.POST.get("digest", "")).last() or plans.last()
    if plan is None:
        raise StaleTransition(because("no_plan", "There is no plan to sign."))
    return plan


def _show(
    request: HttpRequest, remediation: Remediation, *, refusal: Refusal | None = None, comment: str = ""
) -> HttpResponse:
    stands = reviews.standing(remediation, at=timezone.now())
    person = person_of(request)
    events = Event.objects.filter(ticket_id=remediation.ticket_id).order_by("-id")[:TIMELINE]
    address = reverse("review_decide", args=[remediation.ticket.key])
    context: dict[str, Any] = {
        "ticket": remediation.ticket,
        "remediation": remediation,
        "standing": stands,
        "attempt": remediation.attempts.last(),
        "events": presenting.timeline_of(list(events)),
        "crumbs": _crumbs(remediation, "Review"),
        "may_review": grants.of(person).may("review", remediation.category_id),
        "may_edit": remediation.status in CHECKABLE and grants.of(person).may("review", remediation.category_id),
        "may_redraft": remediation.status in remediations.REDRAFTABLE,
        "has_run": bool(stands.plan and stands.plan.stage == Stage.ROLLOUT and stands.plan.status != PlanStatus.OPEN),
        "reasons": Objection.Reason.choices,
        "seen": seen_of(remediation, stands),
    }
    if stands.revision:
        context["sheet"] = sheets.page_of(remediation, stands.revision, stands)
        context["decision"] = presenting.decision_bar(stands, person, address=address, comment=comment, refusal=refusal)
        if stands.plan and context["decision"]["may_sign"]:
            kept = sheets.keep(stands.plan, context["sheet"], kind=Sheet.Kind.PAGE, at=timezone.now())
            context["decision"]["sheet"] = kept
    return render(request, "review/page.html", context, status=refusal.status if refusal else 200)


def seen_of(remediation: Remediation, stands: reviews.Standing) -> str:
    """What a reader has seen: changes with the state, the revision, the plan and the checklist."""
    ticks = sum(each.by is not None for each in stands.checklist)
    plan = f"{stands.plan.pk}.{stands.plan.status}" if stands.plan else "-"
    return (
        f"{remediation.status}.{stands.revision.pk if stands.revision else 0}.{plan}.{ticks}.{len(stands.objections)}"
    )


@require_safe
@login_required
def live(request: HttpRequest, key: str) -> HttpResponse:
    """204 while the page still shows the newest state, else a note that says so."""
    remediation = _find(request, key)
    seen = seen_of(remediation, reviews.standing(remediation, at=timezone.now()))
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    return render(request, "review/_changed.html", {"ticket": remediation.ticket})


def _find(request: HttpRequest, key: str) -> Remediation:
    """The newest remediation of a ticket that the person may see; anything else does not exist for them."""
    remediation = remediations.newest(tickets.find(person_of(request), key))
    if remediation is None:
        raise Http404
    return remediation


def _crumbs(remediation: Remediation, here: str) -> list[tuple[str, str]]:
    key = remediation.ticket.key
    return [("Queue", "/"), (key, f"/tickets/{key}"), (here, "")]
