"""From an opened ticket to a revision, through the job ledger and the database, by both drafters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from patterns import services as patterns
from patterns.models import Occurrence, Pattern
from portal.access.models import Person
from portal.audit.models import Event
from portal.estate import seed as estate
from portal.jobs.testing import drain
from portal.kit.actors import system
from portal.launch.roles import role_of
from remediation.drafting import context, drafting, schema, services
from remediation.drafting.models import Attempt, Remediation, Revision
from remediation.drafting.protocol import Answer, Drafted, DrafterName, DraftRequest, Spend
from remediation.drafting.runbook_drafter import RunbookDrafter
from remediation.drafting.states import Status
from remediation.drafting.testing import endings
from remediation.drafting.testing.claude_server import Says, speaking
from remediation.drafting.tests import incidents
from remediation.knowledge import services as knowledge
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence, NewTicket

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]


@pytest.fixture
def alice(db: None) -> Person:
    """An engineer who may see and review everything, in an installation with its estate and its runbooks."""
    prepare()
    return Person.objects.get(username="alice")


def prepare() -> None:
    estate.load_categories()
    estate.load_services()
    estate.load_lab(estate.LabTarget(target.identity, target.system, "lab") for target in incidents.TARGETS)
    knowledge.load(AT)
    Person.objects.create_superuser("alice")


def open_ticket(request: DraftRequest, *, key: str = "INC-1") -> Ticket:
    evidence = [
        NewEvidence(kind=piece.kind, text=piece.text, command=piece.command or "", observed_at=AT)
        for piece in request.evidence
    ]
    new = NewTicket(
        key=key,
        title=request.title,
        description=request.description,
        category_slug=request.category,
        service_slug=request.service,
        affected_systems=request.systems,
        evidence=evidence,
    )
    return tickets.open_ticket(opener=Person.objects.get(username="alice"), new=new, door="api", at=AT).ticket


def test_an_opened_ticket_is_drafted_as_a_job(alice: Person, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    ticket = open_ticket(incidents.payments())
    assert drain("drafting") == ["drafting.draft: Drafted by Runbook drafter: 1 steps."]
    revision = Revision.objects.get(remediation__ticket=ticket)
    draft = schema.from_text(revision.content)
    assert (revision.drafter, revision.author, revision.number) == ("runbook", None, 1)
    assert draft.scope.systems == ["kubernetes:lab-k8s/payments/deployment/payments-secondary"]
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.drafter, attempt.answer) == ("drafted", "runbook", revision.content)
    assert "kubectl get deploy" in attempt.prompt
    ticket.refresh_from_db()
    assert ticket.pattern is not None
    assert Occurrence.objects.filter(pattern=ticket.pattern, kind="seen", ticket_id=ticket.pk).count() == 1
    assert Event.objects.filter(kind="revision.created", ticket_key="INC-1").exists()


def test_a_ticket_that_no_runbook_fits_asks_for_a_person_with_reasons(alice: Person, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    open_ticket(replace(incidents.payments(), evidence=()))
    assert drain("drafting") == ["drafting.draft: A person is needed."]
    remediation = Remediation.objects.get()
    assert remediation.status == Status.NEEDS_PERSON
    assert "no evidence shows this" in remediation.status_reason
    assert remediation.ticket.status == "needs_person"


def test_a_second_delivery_drafts_nothing(alice: Person) -> None:
    ticket = open_ticket(incidents.payments())
    drafter = RunbookDrafter(timezone.now)
    drafting.draft_ticket(ticket.pk, drafter=drafter, clock=timezone.now)
    assert drafting.draft_ticket(ticket.pk, drafter=drafter, clock=timezone.now) == "Nothing to draft."
    assert (Revision.objects.count(), Attempt.objects.count()) == (1, 1)


@dataclass
class Watching:
    """A drafter that lets something happen while it thinks."""

    meanwhile: Callable[[], object]
    name: DrafterName = "runbook"
    is_paid: bool = False

    def draft(self, request: DraftRequest) -> Answer:
        assert all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks), "law 7"
        self.meanwhile()
        return RunbookDrafter(timezone.now).draft(request)


def test_the_drafter_is_asked_outside_any_transaction_and_whoever_was_faster_wins(alice: Person) -> None:
    ticket = open_ticket(incidents.payments())

    def somebody_asks_for_a_person() -> None:
        remediation = Remediation.objects.get()
        endings.ask_person(remediation.pk, reason="Hold on.", at=AT + timedelta(hours=1))

    said = drafting.draft_ticket(ticket.pk, drafter=Watching(somebody_asks_for_a_person), clock=timezone.now)
    assert said == "Somebody was faster; the answer is kept and not used."
    assert Revision.objects.count() == 0
    assert Attempt.objects.count() == 1
    assert Remediation.objects.get().status == Status.NEEDS_PERSON


def test_a_redraft_starts_a_new_revision_on_top_of_the_old_one(alice: Person, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    ticket = open_ticket(replace(incidents.payments(), evidence=incidents.payments().evidence[:2]))
    drain("drafting")
    remediation = Remediation.objects.get()
    assert remediation.status == Status.NEEDS_PERSON
    note = NewEvidence(kind="note", text="Peak load needs 6 replicas.", observed_at=AT)
    tickets.add_evidence(ticket.pk, new=[note], person=alice, door="page", at=AT)
    services.redraft(remediation.pk, person=alice, door="page", at=timezone.now())
    assert drain("drafting") == ["drafting.redraft: Drafted by Runbook drafter: 1 steps."]
    assert Revision.objects.get().number == 1
    assert Attempt.objects.count() == 2


def test_claude_drafts_when_there_is_a_key_and_what_it_cost_is_kept(alice: Person, settings: Settings) -> None:
    written = RunbookDrafter(timezone.now).draft(incidents.payments())
    assert isinstance(written, Drafted)
    reply = json.dumps({"draft": written.draft.model_dump(mode="json"), "needs_person": []})
    with speaking(Says("no json"), Says(reply, cache_write_tokens=3)) as server:
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = "test-key-not-a-real-one", server.url
        ticket = open_ticket(incidents.payments())
        assert drain("drafting") == ["drafting.draft: Drafted by Claude: 1 steps."]
    first, second = Attempt.objects.all()
    assert (first.outcome, second.outcome) == ("invalid", "drafted")
    assert second.price_microdollars
    assert (second.input_tokens, second.output_tokens, second.cache_write_tokens) == (1200, 450, 3)
    assert Revision.objects.get().drafter == "claude"
    spent = context.spend_of(ticket)
    assert spent.micro_usd == (first.price_microdollars or 0) + second.price_microdollars
    assert spent.unpriced_tokens == 0


def test_a_failure_is_a_state_with_its_reason_and_can_be_tried_again(alice: Person, settings: Settings) -> None:
    with speaking(Says("I will not.", stop_reason="refusal")) as server:
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = "test-key-not-a-real-one", server.url
        open_ticket(incidents.payments())
        drain("drafting")
        remediation = Remediation.objects.get()
        assert remediation.status == Status.FAILED
        assert remediation.status_reason == "Refused: Claude refused to answer."
        services.redraft(remediation.pk, person=alice, door="page", at=timezone.now())
        drain("drafting")
    assert [attempt.outcome for attempt in Attempt.objects.all()] == ["refused", "refused"]


def test_a_signed_remediation_of_the_same_pattern_is_remembered(alice: Person, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    open_ticket(incidents.payments())
    drain("drafting")
    Remediation.objects.update(status=Status.IN_REVIEW)
    for status in (Status.EXECUTING, Status.SUCCEEDED):
        Remediation.objects.update(status=status)
    patterns.observe_run(
        pattern_id=Pattern.objects.get().pk,
        ticket=Ticket.objects.get().ref,
        run_id=1,
        succeeded=True,
        action="scale_deployment",
        environment="production",
        at=timezone.now(),
    )
    open_ticket(incidents.payments(note="Black Friday needs 9 replicas."), key="INC-2")
    drain("drafting")
    draft = schema.from_text(Revision.objects.get(remediation__ticket__key="INC-2").content)
    assert draft.summary.startswith("The same fix as for INC-1 (succeeded)")
    (action,) = [step.action for step in draft.steps]
    assert isinstance(action, schema.OperationAction)
    assert schema.parameters_of(action)["to_replicas"] == 9
    assert "to_replicas from E3" in draft.steps[0].source


def test_only_targets_that_the_ticket_names_are_shown(alice: Person) -> None:
    ticket = open_ticket(incidents.log_shippers(systems=("log-ship-1",)))
    placed = drafting._place(ticket, at=AT)
    remediation = services.begin(ticket.pk, actor=system("test"), at=AT)
    request = context.request_of(remediation, placed.pattern, similarity_percent=100, procedures=(), spent=Spend())
    assert [target.identity for target in request.targets] == ["hosts:log-ship-1"]


def test_unpriced_tokens_count_towards_the_budget(alice: Person) -> None:
    ticket = open_ticket(incidents.payments())
    remediation = services.begin(ticket.pk, actor=system("test"), at=AT)
    for price, tokens in ((None, 700), (1_200, 999)):
        Attempt.objects.create(
            remediation=remediation,
            drafter="claude",
            outcome="drafted",
            prompt="",
            input_tokens=tokens,
            price_microdollars=price,
            started_at=AT,
            ended_at=AT,
        )
    spent = context.spend_of(ticket)
    assert (spent.micro_usd, spent.unpriced_tokens) == (1_200, 700)


@contextmanager
def running_as(process: str) -> Iterator[None]:
    """Django's own connection with the rights of one kind of process."""
    owner = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = role_of(process)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = owner


def test_the_drafting_cluster_has_the_rights_for_all_of_it_and_cannot_rewrite_its_record(
    committed_db: str, as_role: AsRole, settings: Settings
) -> None:
    settings.ANTHROPIC_API_KEY = ""
    prepare()
    open_ticket(incidents.payments())
    with running_as("drafting"):
        assert drain("drafting") == ["drafting.draft: Drafted by Runbook drafter: 1 steps."]
    with as_role("drafting") as direct:
        for statement in (
            "UPDATE drafting_attempt SET answer = ''",
            "DELETE FROM drafting_attempt",
            "UPDATE drafting_revision SET content = ''",
            "INSERT INTO signoff_vote DEFAULT VALUES",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                direct.execute(statement)


def test_to_begin_waits_for_nobody_who_holds_the_remediation(committed_db: str, as_role: AsRole) -> None:
    prepare()
    ticket = open_ticket(incidents.payments())
    begun = services.begin(ticket.pk, actor=system("drafting"), at=AT)
    with as_role("web") as web, web.transaction(), connection.cursor() as cursor:
        web.execute("SELECT 1 FROM drafting_remediation WHERE id = %s FOR UPDATE", [begun.pk])
        cursor.execute("SET lock_timeout = '500ms'")
        assert services.begin(ticket.pk, actor=system("drafting"), at=AT) == begun
