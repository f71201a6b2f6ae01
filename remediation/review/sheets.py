"""The exact sheet each signer was shown: written once, kept under its digest, shown as it is, named by the vote.

A sheet says everything a signature is based on and nothing that depends on who reads it or when. It is kept when it is
shown to somebody who may sign the plan. Nobody signs without one; a vote that names a sheet nobody was shown, or one of
another plan, is refused here and by the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from portal.access.models import Person
from portal.audit.models import LegalHold
from portal.kit import canonical
from portal.kit.labels import label_of
from portal.kit.refusals import Refused, StaleTransition, because
from portal.kit.statements import Query, given
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Vote
from portal.signoff.states import PlanStatus
from remediation.drafting import schema
from remediation.drafting.models import Remediation, Revision
from remediation.policy import wording
from remediation.review import plans, presenting, proof_pages, proving, role_pages, standing
from remediation.review.models import Sheet
from remediation.review.standing import Standing

API_VERSION = "countersign.sheet/1"
KEPT = timedelta(days=30)
"""How long a sheet is kept that nobody signed; one that somebody signed is kept for ever."""


def page_of(remediation: Remediation, revision: Revision, stands: Standing) -> SafeString:
    """The part of the review page that a signature is based on, as HTML."""
    decision = remediation.decisions.last()
    plan = stands.plan
    content = plans.read(plan.content) if plan else None
    draft = schema.from_text(revision.content)
    context = {
        "effect": presenting.effect_of(plan),
        "draft": draft,
        "steps": _steps(stands, revision),
        "stages": content.stages if content else None,
        "diff": presenting.changes_of(remediation, revision),
        "shown": role_pages.of(remediation, revision, stands),
        "canary": proof_pages.of(remediation, content, draft.role) if draft.role else None,
        "evidence": list(remediation.ticket.evidence.all()),
        "facts": _facts(remediation, revision, plan),
        "proof": proving.of(plan) if plan else None,
        "gates": presenting.gates_of(stands.gates),
        "objections": stands.objections,
        "reliability": presenting.reliability_of(remediation.assessments.last()),
        "trace": presenting.trace_of(decision),
        "decided_at": decision.at if decision else None,
        "shadow": presenting.shadow_of(decision),
        "checks": presenting.checks_of(decision),
        "limits": wording.limits(content.limits) if content else [],
    }
    return render_to_string("review/sheet.html", context)


def document_of(shown: Mapping[str, Any]) -> str:
    """What the API shows of a plan, its content included, as canonical text."""
    return canonical.text_of({name: value for name, value in shown.items() if name != "sheet"}, version=API_VERSION)


def is_for(person: Person, plan: Plan, *, at: datetime) -> bool:
    """Whether the person could sign this plan now, for themselves or for somebody who lets them."""
    if plan.status != PlanStatus.OPEN:
        return False
    return not standing.why_not(plan, person) or bool(signoffs.received(plan, person, at=at))


def keep(plan: Plan, text: str, *, kind: Sheet.Kind, at: datetime) -> str:
    """Keep a sheet that is about to be shown to somebody who may sign; answers its digest."""
    digest = canonical.digest_of(text)
    sheet = Sheet(digest=digest, plan=plan, kind=kind, text=str(text), created_at=at)
    Sheet.objects.bulk_create([sheet], ignore_conflicts=True)
    return digest


_SHOWN = Query(lambda: Sheet.objects.filter(pk=given("digest"), plan=given("plan")).only("digest"))


def require(plan: Plan, digest: str) -> None:
    """Refuse a vote that names no sheet, one that nobody was shown, or one that shows another plan."""
    if not digest:
        text = "Your signature does not say what you were shown. Load the page again, read it, then sign."
        raise Refused(because("sheet", text, "sheet"))
    if not _SHOWN.all(digest=digest, plan=plan.pk):
        text = "This is not a sheet of the plan as it stands. Read the plan again, then sign."
        raise StaleTransition(because("sheet", text, "sheet"))


def forget_unsigned(*, at: datetime, limit: int = 1000) -> int:
    """Remove a batch of old sheets that nobody signed and, their plans being closed, nobody can; answers how many."""
    closed = Sheet.objects.filter(created_at__lt=at - KEPT).exclude(plan__status=PlanStatus.OPEN)
    held = LegalHold.objects.filter(lifted_at=None, ticket_id=OuterRef("plan__ticket_id"))
    signed = Vote.objects.filter(plan=OuterRef("plan"), sheet=OuterRef("pk"))
    unsigned = closed.exclude(Exists(held)).exclude(Exists(signed))
    batch = list(unsigned.order_by("created_at").values_list("pk", flat=True)[:limit])
    Sheet.objects.filter(pk__in=batch).delete()
    return len(batch)


def _steps(stands: Standing, revision: Revision) -> list[dict[str, Any]]:
    """The steps, each with whoever confirmed its REVIEW item."""
    confirmed = {each.item.number: each.by for each in stands.checklist}
    return [
        {**step, "confirmed_by": confirmed.get(step["number"])} for step in presenting.steps_of(stands.plan, revision)
    ]


def _facts(remediation: Remediation, revision: Revision, plan: Plan | None) -> list[tuple[str, str]]:
    ticket = remediation.ticket
    author = revision.author or revision.get_drafter_display()
    about = [
        ("Ticket", f"{ticket.key}: {ticket.title}"),
        ("Category", remediation.category.name),
        ("Severity", ticket.get_severity_display()),
        ("Environment", ticket.get_environment_display()),
        ("Revision", f"{revision.number} by {author}, {revision.digest}"),
    ]
    if plan is None:
        return about
    return [
        *about,
        ("Stage", plan.stage),
        ("Risk", label_of("risk", plan.risk).text),
        ("Plan", plan.digest),
        ("Votes needed", str(plan.needed)),
        ("Valid until", f"{plan.valid_until.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"),
    ]
