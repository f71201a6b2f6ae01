"""A role is drafted from a timeline: by a runbook that brings one, by Claude, and again from one that helped before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml
from pytest_django import Settings

from portal.access.models import Person
from portal.jobs.testing import drain
from remediation.connectors.models import Connector
from remediation.connectors.operations import Family
from remediation.drafting import context, mending, prompting, roles, schema
from remediation.drafting.claude import ClaudeDrafter, ClaudeSettings
from remediation.drafting.models import Attempt, Revision
from remediation.drafting.protocol import (
    Drafted,
    DraftRequest,
    Failed,
    NeedsPerson,
    Outcome,
    PastRemediation,
    RoleWish,
)
from remediation.drafting.runbook_drafter import RunbookDrafter
from remediation.drafting.testing.claude_server import ClaudeServer, Says, speaking
from remediation.drafting.tests import incidents
from remediation.drafting.tests.test_drafting import AT, prepare
from remediation.knowledge.extraction import KnownTarget
from remediation.tickets import notes
from remediation.tickets import services as tickets
from remediation.tickets.services import NewTicket
from remediation.tickets.timelines import Entry, Timeline

HOSTS = ("log-ship-1", "log-ship-2")
NOTES = """\
Symptom: /var/log is full on both log shippers.
Root cause: the journal has no cap and logrotate maxage is not set.

[02:14] Paged: disk_almost_full host=log-ship-1 value=98%
[02:17] root@log-ship-1:~# grep SystemMaxUse /etc/systemd/journald.conf
#SystemMaxUse=

[02:31] root@log-ship-2:~# journalctl --vacuum-size=500M
Vacuuming done.

[09:30] Agreed: rotated logs are kept for 21 days.
"""
TOLD = notes.read(NOTES, day=date(2026, 11, 20))


def asked(*, role: RoleWish | None = RoleWish.ASKED, plays_roles: bool = True, **more: Any) -> DraftRequest:
    """The log shippers' ticket with its timeline as evidence; their connector applies roles, or not."""
    pieces = [
        ("command", each.words, each.command) if each.command else ("timeline", each.words) for each in TOLD.entries
    ]
    request = incidents.log_shippers(systems=HOSTS)
    targets = tuple(
        replace(target, plays_roles=plays_roles and target.family == Family.HOSTS) for target in incidents.TARGETS
    )
    evidence = incidents.numbered([*pieces, ("note", TOLD.summary)])
    return replace(request, evidence=evidence, targets=targets, timeline=TOLD, role=role, **more)


def by_runbook(request: DraftRequest) -> schema.Draft:
    answer = RunbookDrafter(lambda: AT).draft(request)
    assert isinstance(answer, Drafted), answer
    return answer.draft


def reasons(request: DraftRequest) -> list[str]:
    answer = RunbookDrafter(lambda: AT).draft(request)
    assert isinstance(answer, NeedsPerson), answer
    return [reason.code for reason in answer.reasons]


def hosts_of(draft: schema.Draft) -> list[object]:
    actions = [step.action for step in draft.steps]
    assert all(isinstance(action, schema.OperationAction) and action.operation == "apply_role" for action in actions)
    return [schema.parameters_of(action)["host"] for action in actions if action.kind == "operation"]


def test_a_runbook_brings_its_role_with_the_values_of_the_evidence() -> None:
    draft = by_runbook(asked())
    part = draft.role
    assert part
    assert (part.name, part.symptom, part.root_cause) == ("log_hygiene", TOLD.symptom, TOLD.root_cause)
    defaults = roles.files_of(part)["defaults/main.yml"]
    assert yaml.safe_load(defaults)["log_hygiene_maxage_days"] == 21
    assert "log_hygiene_maxage_days: 21  # E4\n" in defaults
    assert draft.guesses == ["log_hygiene_journal_max stays as the role has it: no evidence says anything else."]
    assert hosts_of(draft) == list(HOSTS)
    assert draft.scope.systems == [f"hosts:{host}" for host in HOSTS]
    assert "days from E4" in draft.steps[0].source
    assert {ref for fact in draft.facts for ref in fact.evidence} <= {piece.ref for piece in asked().evidence}
    for step in draft.steps:
        assert isinstance(step.action, schema.OperationAction)
        assert schema.parameters_of(step.action)["role"] == roles.part_digest(part)
        assert schema.parameters_of(step.action)["destroys"] is True


def test_without_a_wish_the_same_ticket_gets_steps() -> None:
    draft = by_runbook(asked(role=None))
    assert draft.role is None
    assert {step.action.kind for step in draft.steps} == {"command"}


def test_where_no_connector_applies_roles_steps_are_drafted_and_who_asked_is_told() -> None:
    assert by_runbook(asked(role=RoleWish.FITS, plays_roles=False)).role is None
    assert reasons(asked(plays_roles=False)) == ["not_reachable"]


def test_a_role_is_not_made_up_where_no_runbook_brings_one() -> None:
    request = replace(incidents.payments(), role=RoleWish.ASKED)
    assert reasons(request) == ["no_role"]
    assert by_runbook(replace(request, role=RoleWish.FITS)).role is None


def test_a_role_that_helped_before_is_drafted_again_as_it_stands() -> None:
    before = by_runbook(asked())
    past = PastRemediation("INC-7", "Disk full", before, "succeeded", None, 90, is_success=True)
    fresh = replace(asked(past=(past,)), evidence=incidents.numbered([("alert", "disk full on log-ship-2")]))
    draft = by_runbook(fresh)
    assert draft.role == before.role
    assert hosts_of(draft) == ["log-ship-2"]
    assert draft.steps[0].source == "signed role of INC-7, log-ship-2 from E1"
    failed = replace(past, is_success=False)
    assert reasons(replace(fresh, past=(failed,)))[0] == "no_runbook"


@pytest.mark.parametrize("outcome", ["failed", "succeeded"])
def test_more_hosts_than_a_draft_has_steps_are_a_question_for_a_person(outcome: str) -> None:
    hosts = [f"log-ship-{number}" for number in range(1, 52)]
    past = PastRemediation(
        "INC-7", "Disk full", by_runbook(asked()), outcome, None, 90, is_success=outcome == "succeeded"
    )
    targets = tuple(KnownTarget(f"hosts:{host}", Family.HOSTS, plays_roles=True) for host in hosts)
    pieces = [("command", "x", f"root@{host}:~# df -h") for host in hosts]
    request = asked(past=(past,))
    request = replace(request, targets=targets, evidence=(*request.evidence, *incidents.numbered(pieces)))
    assert reasons(replace(request, systems=tuple(hosts))) == ["too_many_hosts"]


def test_other_files_change_the_digest_and_the_marks_of_every_step() -> None:
    draft = by_runbook(asked())
    assert draft.role
    plain = {path: text.replace("# REVIEW", "# Note") for path, text in roles.files_of(draft.role).items()}
    files = [schema.RoleFile(path=path, text=text) for path, text in plain.items()]
    edited = draft.model_copy(update={"role": draft.role.model_copy(update={"files": files})})
    changed = roles.recomposed(edited)
    assert hosts_of(changed) == list(HOSTS)
    for step in changed.steps:
        assert isinstance(step.action, schema.OperationAction)
        assert schema.parameters_of(step.action)["role"] == roles.digest_of("log_hygiene", plain)
        assert schema.parameters_of(step.action)["destroys"] is False
    assert roles.recomposed(changed.model_copy(update={"role": draft.role})) == draft
    assert roles.recomposed(draft) == draft


def reply(**changes: object) -> dict[str, Any]:
    """A role as the model answers it: that of the runbook."""
    draft = by_runbook(asked())
    assert draft.role
    part = draft.role.model_dump(mode="json")
    names = ("summary", "guesses", "rollback_owner", "rollback_minutes", "confidence_percent")
    whole = draft.model_dump(mode="json")
    role = part | {name: whole[name] for name in names}
    role |= {"facts": whole["facts"], "out_of_scope": whole["scope"]["out_of_scope"], "hosts": list(HOSTS)}
    return {"role": role | changes, "needs_person": []}


def ask(*answers: dict[str, Any], request: DraftRequest | None = None) -> tuple[Any, ClaudeServer]:
    settings = ClaudeSettings(
        api_key="test-key-of-the-product", model="claude-sonnet-5-5", base_url="", budget_cents=200, timeout_seconds=5.0
    )
    with speaking(*(Says(json.dumps(answer)) for answer in answers)) as server:
        drafter = ClaudeDrafter(replace(settings, base_url=server.url), clock=lambda: AT, known=())
        return drafter.draft(request or asked()), server


def test_claude_writes_the_role_and_we_write_everything_around_it() -> None:
    answer, server = ask(reply())
    assert isinstance(answer, Drafted)
    assert answer.draft.role == by_runbook(asked()).role
    assert hosts_of(answer.draft) == list(HOSTS)
    assert answer.draft.hypothesis == TOLD.root_cause
    (exchange,) = answer.exchanges
    assert exchange.prompt_version == prompting.version(prompting.ROLE) != prompting.version()
    (body,) = server.requests
    text = body["messages"][0]["content"]
    assert '<timeline hosts="log-ship-1, log-ship-2">' in text
    assert "$ journalctl --vacuum-size=500M" in text
    assert "[tasks/main.yml]" in text
    assert "<targets>\nlog-ship-1\nlog-ship-2\n</targets>" in text
    assert body["system"][0]["text"] == prompting.system_text(prompting.ROLE)


UNFIT = [
    ({"files": [{"path": "tasks/main.yml", "text": "---"}] * 3}, "tasks/main.yml is there twice"),
    ({"files": [{"path": f"tasks/{name}.yml", "text": "---"} for name in "abc"]}, "tasks/backout.yml is missing"),
    ({"hosts": ["db-1"]}, "db-1 takes no roles"),
    ({"facts": [{"text": "x", "evidence": ["E99"]}]}, "no evidence E99"),
    ({"name": "Log-Hygiene"}, "role.name"),
    ({"play": "hosts: all"}, "role.play"),
]


@pytest.mark.parametrize(("changes", "says"), UNFIT)
def test_a_role_that_does_not_fit_is_mended_once_with_its_problems_named(changes: Any, says: str) -> None:
    answer, server = ask(reply(**changes), reply())
    assert isinstance(answer, Drafted)
    assert [exchange.outcome for exchange in answer.exchanges] == [Outcome.INVALID, Outcome.DRAFTED]
    assert says in server.requests[1]["messages"][-1]["content"]


def test_a_role_cannot_be_written_anywhere_else() -> None:
    files = [*reply()["role"]["files"], {"path": "../../etc/cron.d/x", "text": "---"}]
    answer, _ = ask(reply(files=files))
    assert isinstance(answer, Failed)
    assert "a role has no ../../etc/cron.d/x" in answer.message


@pytest.fixture
def judged() -> Iterator[list[schema.RolePart]]:
    """A room above that finds fault with every role it sees."""
    seen: list[schema.RolePart] = []

    def judge(part: schema.RolePart) -> list[str]:
        seen.append(part)
        return ["tasks/main.yml:3: It is not good enough. Mend it."]

    mending.register(judge)
    yield seen
    mending._judges.remove(judge)


def test_what_the_gate_finds_is_mended_by_the_model_first_and_else_left_to_people(
    judged: list[schema.RolePart],
) -> None:
    answer, server = ask(reply())
    assert isinstance(answer, Drafted)
    assert answer.draft.role
    assert len(judged) == len(server.requests) == 2
    assert "tasks/main.yml:3: It is not good enough. Mend it." in server.requests[1]["messages"][-1]["content"]
    assert answer.exchanges[-1].outcome is Outcome.DRAFTED
    assert answer.exchanges[-1].detail.startswith("Left for people to mend:")


def test_claude_may_ask_a_person_instead() -> None:
    answer, _ = ask({"role": None, "needs_person": ["For how long are logs kept?"]})
    assert isinstance(answer, NeedsPerson)
    assert [reason.text for reason in answer.reasons] == ["For how long are logs kept?"]


@pytest.fixture
def alice(db: None) -> Person:
    prepare()
    Connector.objects.create(
        slug="lab", name="Hosts", families=["hosts"], read_url="http://lab.test/read", provider="roles"
    )
    return Person.objects.get(username="alice")


def open_ticket(alice: Person, timeline: Timeline = TOLD) -> None:
    request = incidents.log_shippers(systems=HOSTS)
    new = NewTicket(
        key="INC-1",
        title=request.title,
        description=request.description,
        category_slug=request.category,
        affected_systems=HOSTS,
        timeline=timeline,
    )
    tickets.open_ticket(opener=alice, new=new, door="api", at=AT)


def drafted() -> schema.Draft:
    return schema.from_text(Revision.objects.order_by("-id")[:1].get().content)


def test_a_ticket_that_says_its_cause_gets_a_role_by_itself(alice: Person, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    open_ticket(alice)
    assert drain("drafting") == ["drafting.draft: Drafted by Runbook drafter: 2 steps."]
    draft = drafted()
    assert draft.role
    assert hosts_of(draft) == list(HOSTS)
    assert Attempt.objects.get().answer == schema.text_of(draft)
    assert "log-shipper-disk-full" in Revision.objects.get().origin


HERE = KnownTarget("hosts:log-ship-1", Family.HOSTS, plays_roles=True)
THERE = KnownTarget("hosts:log-ship-2", Family.HOSTS)
POD = KnownTarget("kubernetes:lab-k8s/payments/deployment/api", Family.KUBERNETES)


@pytest.mark.parametrize(
    ("timeline", "systems", "targets", "is_asked", "wish"),
    [
        (Timeline(root_cause="No cap."), ["log-ship-1"], [HERE, POD], False, RoleWish.FITS),
        (Timeline(root_cause="No cap."), ["hosts:log-ship-1"], [HERE, THERE], False, RoleWish.FITS),
        (Timeline(root_cause="No cap."), ["log-ship-1", "log-ship-2"], [HERE, THERE], False, None),
        (Timeline(root_cause="No cap."), ["lab-k8s"], [HERE, POD], False, None),
        (Timeline((Entry(AT, "x", host="log-ship-1"),), "", "No cap."), [], [HERE], False, RoleWish.FITS),
        (Timeline(symptom="Full."), ["log-ship-1"], [HERE], False, None),
        (None, ["log-ship-1"], [HERE], False, None),
        (None, [], [], True, RoleWish.ASKED),
    ],
)
def test_when_a_role_is_drafted(
    timeline: Timeline | None,
    systems: list[str],
    targets: list[KnownTarget],
    is_asked: bool,  # noqa: FBT001 - a column of the table
    wish: RoleWish | None,
) -> None:
    assert context.wish_of(timeline, systems, targets, is_asked=is_asked) is wish


def test_the_targets_say_whether_they_take_roles(alice: Person) -> None:

    found = context._mentioned("log-ship-1 and lab-k8s")
    assert KnownTarget("hosts:log-ship-1", Family.HOSTS, plays_roles=True) in found
