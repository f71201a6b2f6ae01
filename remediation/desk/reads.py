"""Joined reads for lists and for one ticket, for pages and API alike, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import BooleanField, Prefetch, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from portal.access import grants
from portal.access.models import Person
from portal.kit.paging import Page, Per, page_of
from portal.kit.statements import Query, given
from portal.signoff.models import Plan
from remediation.desk.suggestions import Suggestion, suggested
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.drafting.states import WAITING
from remediation.execution import logbook
from remediation.execution.logbook import Narrowed
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.states import RunStatus
from remediation.policy.models import Assessment, Decision
from remediation.review import plans, strip
from remediation.review import services as reviews
from remediation.review.models import GateResult, Objection, Take
from remediation.review.standing import Ticked
from remediation.review.strip import Part
from remediation.tickets.models import Evidence, Ticket

PAGE = 50
ALL = Q()
ENDED = {RunStatus.SUCCEEDED: True, RunStatus.ROLLED_BACK: False, RunStatus.FAILED: False}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; what is empty does not narrow. `text` has the syntax of a web search."""

    status: str = ""
    category: str = ""
    severity: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ExecutedStep:
    """A step of the newest run that changed something, or may have."""

    action: str
    system: str
    status: str
    acted_at: datetime | None


@dataclass(frozen=True)
class Details:
    """One ticket with everything about its newest remediation; what does not exist yet is None."""

    ticket: Ticket
    evidence: Sequence[Evidence]
    remediation: Remediation | None
    standing: reviews.Standing | None
    assessment: Assessment | None
    decision: Decision | None
    run: Run | None
    steps: Sequence[StepRun]

    @property
    def revision(self) -> Revision | None:
        """The newest revision."""
        return self.standing.revision if self.standing else None

    @property
    def status_reason(self) -> str | None:
        """Why the remediation stands where it stands."""
        return (self.remediation.status_reason or None) if self.remediation else None

    @property
    def drafter(self) -> str | None:
        """Who wrote the first draft."""
        return (self.remediation.drafter or None) if self.remediation else None

    @property
    def plan(self) -> Plan | None:
        """The plan that is to be signed, else the newest one that was."""
        return self.standing.plan if self.standing else None

    @property
    def checklist(self) -> Sequence[Ticked]:
        """The REVIEW notes of the newest revision, and who confirmed them."""
        return self.standing.checklist if self.standing else ()

    @property
    def gates(self) -> Sequence[GateResult]:
        """What each gate said last about the newest revision."""
        return self.standing.gates if self.standing else ()

    @property
    def objections(self) -> Sequence[Objection]:
        """What people have against the newest revision."""
        return self.standing.objections if self.standing else ()

    @cached_property
    def parts(self) -> Sequence[Part]:
        """Who did which part, or may do it."""
        return strip.parts_of(self.remediation) if self.remediation else ()

    @property
    def taken(self) -> Take | None:
        """Who is on it."""
        return self.standing.taken if self.standing else None

    @property
    def voided(self) -> str | None:
        """Why what was signed is void, until somebody signs anew."""
        return self.standing.voided.void_reason if self.standing and self.standing.voided else None

    @cached_property
    def draft(self) -> schema.Draft | None:
        """What the newest revision says."""
        return schema.from_text(self.revision.content) if self.revision else None

    @cached_property
    def suggested_actions(self) -> list[Suggestion]:
        """What the newest revision suggests to do."""
        return suggested(self.draft) if self.draft else []

    @property
    def confidence(self) -> float | None:
        """The draft's confidence, 0 to 1."""
        percent = self.remediation.confidence_percent if self.remediation else None
        return None if percent is None else percent / 100

    @property
    def was_executed_by_workers(self) -> bool:
        """Whether workers, not people, changed something."""
        return self.run is not None and self.run.mode == Run.Mode.WORKERS and bool(self.executed_steps)

    @property
    def has_succeeded(self) -> bool | None:
        """How the newest run ended; None while it goes on."""
        return ENDED.get(RunStatus(self.run.status)) if self.run else None

    @cached_property
    def executed_steps(self) -> list[ExecutedStep]:
        """The steps of the newest run whose action was at least begun."""
        if self.run is None:
            return []
        by_number = {step.number: step for step in plans.read(self.run.plan.content).steps}
        return [_executed(by_number[step.number], step) for step in self.steps if step.intended_at or step.acted_at]


def tickets(person: Person, filters: Filters, *, after: str | None = None, size: int = PAGE) -> Page[Ticket]:
    """The tickets a person may see, newest first, each with its newest remediation under `newest_remediations`."""
    newest = Remediation.objects.order_by("ticket_id", "-number").distinct("ticket_id")
    rows = Ticket.objects.select_related("category", "service").prefetch_related(
        Prefetch("remediations", newest, to_attr="newest_remediations")
    )
    if filters.status:
        rows = rows.filter(status=filters.status)
    if filters.severity:
        rows = rows.filter(severity=filters.severity)
    permitted = _permitted(person, filters)
    if not filters.text:
        return page_of(rows, order=["-id"], after=after, size=size, per=Per("category_id", permitted))
    rows = rows.filter(_mentions(filters.text), category_id__in=permitted)
    return page_of(rows, order=["-id"], after=after, size=size)


def queue(
    person: Person, filters: Filters, *, narrowed: Q = ALL, after: str | None = None, size: int = PAGE
) -> Page[Remediation]:
    """What waits for somebody in the categories a person may see: worst first, of these what waits longest."""
    waiting = Remediation.objects.filter(narrowed, status__in=sorted(WAITING))
    rows = waiting.select_related("ticket", "category").defer("ticket__description")
    if filters.status:
        rows = rows.filter(status=filters.status)
    if filters.severity:
        rows = rows.filter(severity=filters.severity)
    permitted = _permitted(person, filters)
    order = ["severity", "status_at", "id"]
    return page_of(rows, order=order, after=after, size=size, per=Per("category_id", permitted))


def details(ticket: Ticket, *, at: datetime) -> Details:
    """Everything the ticket's page and its API answer show."""
    remediation = remediations.newest(ticket)
    evidence = list(ticket.evidence.select_related("refreshes"))
    if remediation is None:
        return Details(ticket, evidence, None, None, None, None, None, ())
    run = remediation.runs.select_related("plan").first()
    return Details(
        ticket=ticket,
        evidence=evidence,
        remediation=remediation,
        standing=reviews.standing(remediation, at=at),
        assessment=remediation.assessments.last(),
        decision=remediation.decisions.last(),
        run=run,
        steps=list(run.steps.all()) if run else (),
    )


def newest_plan(ticket: Ticket, stage: str) -> Plan | None:
    """The plan of a stage that was opened last, whatever became of it."""
    return _NEWEST_PLAN.first(ticket=ticket.pk, stage=stage)


def _plans_of_newest() -> QuerySet[Plan]:
    newest = Remediation.objects.filter(ticket=given("ticket")).order_by("-number").values("pk")[:1]
    plans = Plan.objects.filter(subject_kind="drafting.remediation", subject_id=Subquery(newest), stage=given("stage"))
    return plans.order_by("-id")[:1]


_NEWEST_PLAN = Query(_plans_of_newest)


def outputs(ticket: Ticket, narrowed: Narrowed, *, after: str | None = None, size: int = PAGE) -> Page[StepOutput]:
    """What the runs of a ticket did and saw, in order, each with the `number` of its step."""
    runs = Run.objects.filter(remediation__ticket=ticket).values("pk")
    return page_of(logbook.rows(runs, narrowed), order=["id"], after=after, size=size)


def _permitted(person: Person, filters: Filters) -> list[int]:
    return [category.pk for category in grants.categories(person, "see", slug=filters.category)]


def _mentions(text: str) -> RawSQL:
    """A search in the generated column `search`, which is no field of the model, so that nobody loads it."""
    sql = "tickets_ticket.search @@ websearch_to_tsquery('simple', %s)"
    return RawSQL(sql, [text], output_field=BooleanField())  # noqa: S611 - constant SQL


def _executed(planned: plans.PlanStep, step: StepRun) -> ExecutedStep:
    action = planned.operation if planned.kind == "operation" else planned.command
    system = planned.target if planned.kind == "operation" else planned.system
    return ExecutedStep(action, system, step.status, step.acted_at)
