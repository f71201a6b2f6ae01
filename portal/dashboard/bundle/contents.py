"""What goes into an incident bundle: the rows about one ticket, as the tables have them. Reads only.

Times become texts of one form, so that they compare as texts. Prompts, answers and outputs are without secrets; sheets,
evidence and plans are to the letter, because digests were signed over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model, Q, QuerySet

from feedback.models import Feedback
from portal.access.models import Person
from portal.audit import proofs, sealing
from portal.audit.models import Event
from portal.kit import redaction
from portal.signoff.models import Certificate, Delegation, Plan, Vote
from remediation.drafting.models import Attempt, Revision
from remediation.execution.models import Reading, Run, StepOutput, StepRun
from remediation.playbooks.models import Proof
from remediation.playbooks.repository.models import PullRequest
from remediation.policy.models import Assessment, Decision
from remediation.postmortem.models import Version
from remediation.review.models import Comment, GateResult, Objection, Remark, Sheet, Tick
from remediation.tickets.models import Ticket
from remediation.wayback.models import Rehearsal, RehearsalOutput, RehearsalStep, Taken

Row = dict[str, Any]
PEOPLE = frozenset({
    "person_id", "principal_id", "author_id", "opened_by_id", "added_by_id", "held_by_id", "asked_by_id",
    "from_person_id", "to_person_id",
})  # fmt: skip
LISTS_OF_PEOPLE = frozenset({"makers", "excluded"})
SPOKEN = ("prompt", "answer", "detail")
SUFFIXES = {Sheet.Kind.PAGE: "html", Sheet.Kind.API: "txt"}


def tables_of(ticket: Ticket) -> dict[str, Any]:
    """The content of every JSON file, by its name without the ending."""
    own = {"remediation__ticket": ticket}
    revisions = Revision.objects.filter(**own)
    plans = _plans(ticket)
    votes = Vote.objects.filter(plan__in=plans)
    tables: dict[str, Any] = {
        "ticket": _ticket(ticket),
        "attempts": [_without_secrets(row) for row in rows(Attempt.objects.filter(**own))],
        "revisions": rows(revisions),
        "decisions": rows(Decision.objects.filter(**own)),
        "assessments": rows(Assessment.objects.filter(**own)),
        "gates": rows(GateResult.objects.filter(revision__in=revisions)),
        "ticks": rows(Tick.objects.filter(**own)),
        "comments": rows(Comment.objects.filter(**own)),
        "objections": _objections(Objection.objects.filter(**own)),
        "plans": rows(plans),
        "votes": rows(votes),
        "delegations": rows(Delegation.objects.filter(votes__in=votes).distinct()),
        "certificates": rows(Certificate.objects.filter(votes__in=votes).distinct()),
        "runs": [_run(run) for run in Run.objects.filter(**own).order_by("id")],
        "rehearsals": [_rehearsal(each) for each in Rehearsal.objects.filter(plan__in=plans).order_by("id")],
        "ways_back": rows(Taken.objects.filter(ticket_id=ticket.pk)),
        "proofs": rows(Proof.objects.filter(revision__in=revisions)),
        "pull_requests": rows(PullRequest.objects.filter(**own)),
        "feedback": rows(Feedback.objects.filter(ticket=ticket)),
        "postmortem": rows(Version.objects.filter(postmortem__ticket=ticket)),
        "trail": proofs.proof_of(_events(ticket, plans)),
    }
    tables["people"] = rows(Person.objects.filter(pk__in=_people(tables)), "id", "username", "full_name", "kind")
    tables["groups"] = rows(Group.objects.filter(pk__in=_groups(tables["votes"], tables["plans"])), "id", "name")
    return tables


def sheets_of(ticket: Ticket) -> Iterator[tuple[str, str]]:
    """Every sheet that a vote names, under its file's name."""
    named = Vote.objects.filter(plan__in=_plans(ticket)).exclude(sheet="").values("sheet")
    for sheet in Sheet.objects.filter(pk__in=named).order_by("digest").iterator():
        yield f"sheets/{sheet.digest}.{SUFFIXES[Sheet.Kind(sheet.kind)]}", sheet.text


def rows(found: QuerySet[Any, Any], *columns: str) -> list[Row]:
    """Rows as plain data in the order of their keys."""
    return [plain(row) for row in found.order_by("pk").values(*columns)]


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return sealing.moment(value)
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _plans(ticket: Ticket) -> QuerySet[Plan]:
    """The plans of the ticket's remediations, to leave steps of its runs out, and of the certificates votes name."""
    remediations = ticket.remediations.values("pk")
    steps = StepRun.objects.filter(run__remediation__ticket=ticket).values("pk")
    own = Plan.objects.filter(subject_kind="drafting.remediation", subject_id__in=remediations)
    skips = Q(subject_kind="execution.steprun", subject_id__in=steps)
    granted = Q(certificate__votes__plan__in=own.values("pk"))
    return Plan.objects.filter(Q(pk__in=own.values("pk")) | skips | granted).distinct()


def _ticket(ticket: Ticket) -> Row:
    about = rows(Ticket.objects.filter(pk=ticket.pk))[0]
    evidence = [{"ref": piece.ref, **_row(piece)} for piece in ticket.evidence.order_by("number")]
    return {
        **about,
        "category": ticket.category.slug,
        "service": ticket.service.slug if ticket.service else None,
        "remediations": rows(ticket.remediations.all()),
        "timelines": rows(ticket.timelines.all()),
        "evidence": evidence,
    }


def _row(instance: Model) -> Row:
    return rows(type(instance)._default_manager.filter(pk=instance.pk))[0]


def _without_secrets(attempt: Row) -> Row:
    """What went to a model was redacted before it was kept; what a drafter of our own saw is redacted here."""
    try:
        return {**attempt, **{name: redaction.redact(attempt[name]).text for name in SPOKEN}}
    except redaction.RedactionFailed:
        return {**attempt, **dict.fromkeys(SPOKEN, "[withheld: secrets could not be looked for]")}


def _objections(found: QuerySet[Objection]) -> list[Row]:
    remarks = rows(Remark.objects.filter(objection__in=found))
    return [
        {**row, "remarks": [remark for remark in remarks if remark["objection_id"] == row["id"]]} for row in rows(found)
    ]


def _rehearsal(rehearsal: Rehearsal) -> Row:
    outputs = RehearsalOutput.objects.filter(step__rehearsal=rehearsal)
    steps = RehearsalStep.objects.filter(rehearsal=rehearsal)
    return {**_row(rehearsal), "steps": rows(steps), "outputs": rows(outputs)}


def _run(run: Run) -> Row:
    columns = ("id", "number", "status", "status_at", "detail", "intended_at", "acted_at")
    steps = rows(StepRun.objects.filter(run=run), *columns)
    outputs = rows(StepOutput.objects.filter(run_id=run.pk))
    return {**_row(run), "steps": steps, "outputs": outputs, "readings": rows(Reading.objects.filter(run=run))}


def _events(ticket: Ticket, plans: QuerySet[Plan]) -> set[int]:
    """What the trail tells of the ticket, and of the grants of certificates, which belong to no ticket: the ids."""
    grants = plans.filter(certificate__isnull=False).values("pk")
    about_grants = Event.objects.filter(subject_kind="signoff.plan", subject_id__in=grants)
    about_ticket = Event.objects.filter(ticket_id=ticket.pk)
    return {*about_ticket.values_list("pk", flat=True), *about_grants.values_list("pk", flat=True)}


def _people(value: Any) -> set[int]:
    """The ids of everybody who is named anywhere."""
    if isinstance(value, Mapping):
        own = {each for name, each in value.items() if name in PEOPLE and each is not None}
        listed = {each for name, ids in value.items() if name in LISTS_OF_PEOPLE for each in ids}
        return own.union(listed, *(_people(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*map(_people, value))
    return set()


def _groups(votes: Iterable[Row], plans: Iterable[Row]) -> set[int]:
    return {group for vote in votes for group in vote["groups"]} | {
        group for plan in plans for group in plan["needed_groups"]
    }
