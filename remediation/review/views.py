"""The review page and its buttons: they translate between forms and the room's verbs, and decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access import grants, sessions, stepup
from portal.access.pages import person_of
from portal.audit.models import Event
from portal.kit.refusals import Refusal, Refused, StaleTransition, because
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import WAITING
from remediation.playbooks import proofs
from remediation.review import bar, comparing, presenting, sheets, standing, strip
from remediation.review import services as reviews
from remediation.review.changing import Change
from remediation.review.models import Objection, Sheet
from remediation.review.preparing import CHECKABLE
from remediation.tickets import services as tickets
from remediation.wayback import services as waysback

TIMELINE = 30
DIGITS = 19
"""Of the largest id there can be; those that exist have fewer."""


@require_safe
@login_required
def page(request: HttpRequest, key: str) -> HttpResponse:
    """Everything a reviewer needs to decide, and what blocks the decision."""
    remediation = find(request, key)
    return _show(request, remediation, typed=stepup.typed_before(request))


@require_POST
@login_required
def decide(request: HttpRequest, key: str) -> HttpResponse:
    """Sign, request changes, reject. A refusal is shown on the page as it stands now, with everything typed kept.

    Who signed in too long ago for a critical plan enters the password again and finds the page as they left it.
    """
    remediation = find(request, key)
    try:
        done = _decide(request, remediation)
    except Refusal as refusal:
        if any(reason.code == "sign_in_again" for reason in refusal.reasons):
            return stepup.ask_again(request, back=reverse("review", args=[key]))
        return _show(request, find(request, key), refusal=refusal, typed=request.POST.dict())
    messages.success(request, done)
    return redirect("review", key=key)


@require_POST
@login_required
def tick(request: HttpRequest, key: str) -> HttpResponse:
    """Confirm a REVIEW item, or take it back."""
    remediation = find(request, key)
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
    remediation = find(request, key)
    reviews.prepare_again(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "The draft is being checked again; a fresh plan follows in a moment.")
    return redirect("review", key=key)


@require_POST
@login_required
def redraft(request: HttpRequest, key: str) -> HttpResponse:
    """Ask the drafter to try again."""
    remediation = find(request, key)
    remediations.redraft(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "A new draft has been asked for.")
    return redirect("review", key=key)


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
    """What the person added to their signature. Times are UTC, as the fields say."""
    return Ballot(
        comment=comment,
        typed=request.POST.get("confirm", "").strip(),
        authenticated_at=sessions.authenticated_at(request),
        runs_from=_time(request, "runs_from"),
        runs_until=_time(request, "runs_until"),
        sheet=request.POST.get("sheet", ""),
        delegation_id=_delegation(request),
    )


def _delegation(request: HttpRequest) -> int | None:
    """The delegation that was chosen. Only an empty field means one's own name."""
    chosen = request.POST.get("delegation", "")
    if not chosen:
        return None
    if not (chosen.isascii() and chosen.isdigit() and len(chosen) < DIGITS):
        raise Refused(because("delegation", "There is no such delegation.", "delegation"))
    return int(chosen)


def _time(request: HttpRequest, name: str) -> datetime | None:
    typed = request.POST.get(name, "").strip()
    if not typed:
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=UTC)
    except ValueError:
        raise Refused(because("time", "Give date and time, such as 2026-11-21T18:30.", name)) from None


def _plan_read(request: HttpRequest, remediation: Remediation) -> Plan:
    """The plan under the digest the page showed, whatever became of it since."""
    ref = remediation.ref
    plans = Plan.objects.filter(subject_kind=ref.kind, subject_id=ref.id)
    plan = plans.filter(digest=request.POST.get("digest", "")).last() or plans.last()
    if plan is None:
        raise StaleTransition(because("no_plan", "There is no plan to sign."))
    return plan


def _show(
    request: HttpRequest, remediation: Remediation, *, typed: Mapping[str, str], refusal: Refusal | None = None
) -> HttpResponse:
    person, at = person_of(request), timezone.now()
    stands = reviews.standing(remediation, at=at)
    may_review = grants.of(person).may("review", remediation.category_id)
    events = Event.objects.filter(ticket_id=remediation.ticket_id).order_by("-id")[:TIMELINE]
    context: dict[str, Any] = {
        "ticket": remediation.ticket,
        "remediation": remediation,
        "standing": stands,
        "parts": strip.parts_of(remediation),
        "attempt": remediation.attempts.last(),
        "events": presenting.timeline_of(list(events)),
        "crumbs": crumbs_of(remediation, "Review"),
        "may_review": may_review,
        "may_edit": remediation.status in CHECKABLE and may_review,
        "may_take": standing.takes_part(remediation, person) and remediation.status in WAITING,
        "may_redraft": remediation.status in remediations.REDRAFTABLE,
        "has_run": bool(stands.plan and stands.plan.stage == Stage.ROLLOUT and stands.plan.status != PlanStatus.OPEN),
        "signed": standing.signed_by(remediation, person),
        "is_back": bool(typed) and refusal is None,
        "seen": seen_of(remediation, stands),
        **_since(remediation, stands, typed, refusal),
    }
    if stands.revision:
        address = reverse("review_decide", args=[remediation.ticket.key])
        decision = bar.bar_of(stands, person, address=address, at=at, typed=typed, refusal=refusal)
        context["draft"] = schema.from_text(stands.revision.content)
        context["sheet"], context["decision"] = sheets.page_of(remediation, stands.revision, stands), decision
        if stands.plan and decision["may_sign"]:
            decision["sheet"] = sheets.keep(stands.plan, context["sheet"], kind=Sheet.Kind.PAGE, at=at)
    return render(request, "review/page.html", context, status=refusal.status if refusal else 200)


def _since(
    remediation: Remediation, stands: reviews.Standing, typed: Mapping[str, str], refusal: Refusal | None
) -> dict[str, Any]:
    """What changed since the person read the plan under the digest they sent; nothing where they sent none."""
    digest = typed.get("digest", "")
    if not digest or (stands.plan and stands.plan.digest == digest and not refusal):
        return {}
    told = refusal.more.get("changes") if refusal else None
    changes = [Change(**each) for each in told] if told else comparing.since(remediation, digest)
    return {"changes": changes, "changed_draft": comparing.drafts_since(remediation, digest)}


def seen_of(remediation: Remediation, stands: reviews.Standing) -> str:
    """What a reader has seen: changes with state, revision, plan, rehearsal, proof, checklist and what people said."""
    ticks = sum(each.by is not None for each in stands.checklist)
    plan = f"{stands.plan.pk}.{stands.plan.status}" if stands.plan else "-"
    rehearsed = waysback.rehearsal_as_seen(stands.plan.pk) if stands.plan else "-"
    taken = stands.taken.pk if stands.taken else "-"
    revision = stands.revision.pk if stands.revision else 0
    proof = proofs.newest(stands.plan.pk) if stands.plan else None
    proven = f"{proof.pk}.{proof.status}" if proof else "-"
    said = f"{len(stands.objections)}.{remediation.comments.count()}"
    return f"{remediation.status}.{revision}.{plan}.{ticks}.{said}.{taken}.{rehearsed}.{proven}"


@require_safe
@login_required
def live(request: HttpRequest, key: str) -> HttpResponse:
    """204 while the page still shows the newest state, else a note that says so."""
    remediation = find(request, key)
    seen = seen_of(remediation, reviews.standing(remediation, at=timezone.now()))
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    return render(request, "review/_changed.html", {"ticket": remediation.ticket})


def find(request: HttpRequest, key: str) -> Remediation:
    """The newest remediation of a ticket that the person may see; anything else does not exist for them."""
    remediation = remediations.newest(tickets.find(person_of(request), key))
    if remediation is None:
        raise Http404
    return remediation


def crumbs_of(remediation: Remediation, here: str) -> list[tuple[str, str]]:
    """The way back from a page of a review."""
    key = remediation.ticket.key
    return [("Queue", "/"), (key, f"/tickets/{key}"), (here, "")]
