"""The same answer at every door: role x verb x state x door, and no door that nobody thought of (law 2).

The service is the reference. Its answer, done or refused for which reasons, has to be that of the page and of the API,
and what they leave behind has to be the same too.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.access.testing import caller
from portal.dashboard.tests import doors
from portal.dashboard.tests.doors_table import DOORS
from portal.jobs import registry
from portal.jobs.testing import drain
from portal.kit.refusals import Refusal
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus
from remediation.desk.testing import V1, as_
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.execution import services as runs
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.tickets import services as tickets
from remediation.tickets.models import Evidence, Ticket

KEY = "INC-1"
PAGE, API = f"/tickets/{KEY}/review", f"{V1}/tickets/{KEY}"
COMMENT = "Seen and thought about."
WAY_BACK = {"kind": "command", "says": "The cap is lifted.", "command": "journalctl --rotate"}


def test_every_door_is_in_the_table() -> None:
    found = doors.found()
    assert found - DOORS.keys() == set(), "a new door: say in doors_table which verb it carries out"
    assert DOORS.keys() - found == set(), "a door that is gone"


def test_a_door_that_nobody_declared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    registry.handler("back.door", queue="general")(str)
    assert doors.found() - DOORS.keys() == {"job back.door"}


def test_no_settings_page_bulk_action_or_command_carries_out_a_reviewer_s_verb() -> None:
    decisions = {verb.name for verb in VERBS}
    assert decisions <= {verb for verbs in DOORS.values() for verb in verbs}, "what is driven here stands in the table"
    others = {door: verbs for door, verbs in DOORS.items() if door.startswith(("settings", "command", "job"))}
    assert {door for door, verbs in others.items() if decisions & set(verbs)} == set()


@dataclass(frozen=True)
class Case:
    """One person in front of one remediation; what was read stays read, however many doors are tried after it."""

    person: Person
    remediation: Remediation

    @cached_property
    def plan(self) -> Plan | None:
        """The open plan, else the newest."""
        rows = Plan.objects.filter(subject_id=self.remediation.pk)
        return rows.filter(status=PlanStatus.OPEN).last() or rows.last()

    @cached_property
    def sheet(self) -> str:
        """The digest of the sheet on which the plan was shown."""
        return review.shown(self.plan, at=timezone.now()) if self.plan else ""

    @cached_property
    def head(self) -> Revision:
        """The newest revision."""
        return Revision.objects.filter(remediation=self.remediation).latest("number")

    @cached_property
    def item(self) -> str:
        """The first item of the checklist."""
        items = reviews.standing(self.remediation, at=timezone.now()).checklist
        return items[0].item.item if items else "0" * 64

    def read(self) -> Case:
        """Read everything now, before the first door is tried: what a door did is taken back, what was read is not."""
        _ = (self.sheet, self.head, self.item)
        return self


Page = Callable[[Client, Case], Any]
Api = Callable[[APIClient, Case], Any]
Service = Callable[[Case, dict[str, Any]], Any]


@dataclass(frozen=True)
class Verb:
    """One verb behind its doors."""

    name: str
    service: Service
    page: Page
    api: Api


def _sign_by_service(case: Case, who: dict[str, Any]) -> Any:
    plan = case.plan
    assert plan
    at = timezone.now()
    ballot = Ballot(comment=COMMENT, typed=KEY, authenticated_at=at, sheet=case.sheet)
    return reviews.sign(
        plan.pk, digest=plan.digest, stage=plan.stage, ballot=ballot, person=case.person, door="api", at=at
    )


def _read(case: Case) -> dict[str, str]:
    plan = case.plan
    return {"stage": plan.stage, "digest": plan.digest, "sheet": case.sheet} if plan else {}


def _pressed(verdict: str, **fields: str) -> Page:
    return lambda client, case: client.post(
        f"{PAGE}/decide", {"verdict": verdict, "comment": COMMENT, "confirm": KEY, **_read(case), **fields}
    )


def _posted(address: str, **fields: str) -> Page:
    return lambda client, case: client.post(f"{address}", fields)


def _approve(**fields: Any) -> Api:
    return lambda client, case: client.post(
        f"{API}/approve-remediation",
        {"comment": COMMENT, **({"confirm_ticket_id": KEY, **_read(case)} if fields["approve"] else {}), **fields},
        format="json",
    )


def _called(address: str, **fields: Any) -> Api:
    return lambda client, case: client.post(f"{API}/{address}", fields, format="json")


def _on(verb: Callable[..., Any], **more: Any) -> Service:
    return lambda case, who: verb(case.remediation.pk, **who, **more)


def _on_ticket(verb: Callable[..., Any], **more: Any) -> Service:
    return lambda case, who: verb(case.remediation.ticket_id, **who, **more)


def _digest(case: Case) -> str:
    return case.plan.digest if case.plan else "0" * 64


def _rehearse(case: Case, who: dict[str, Any]) -> Any:
    return runs.ask_to_rehearse(case.remediation.pk, digest=_digest(case), **who)


def _read_out(address: str) -> Page:
    return lambda client, case: client.post(address, {"digest": _digest(case)})


def _named(address: str) -> Api:
    return lambda client, case: client.post(f"{API}/{address}", {"digest": _digest(case)}, format="json")


VERBS = [
    Verb("sign", _sign_by_service, _pressed("sign"), _approve(approve=True)),
    Verb(
        "reject",
        _on(reviews.reject, reason="unsafe", comment=COMMENT),
        _pressed("reject", reason="unsafe"),
        _approve(approve=False, reason="unsafe"),
    ),
    Verb(
        "request changes",
        _on(reviews.request_changes, comment=COMMENT),
        _pressed("changes"),
        _called("request-changes", comment=COMMENT),
    ),
    Verb(
        "withdraw",
        _on(reviews.withdraw, reason=COMMENT),
        _posted(f"{PAGE}/withdraw", reason=COMMENT),
        _called("withdraw", reason=COMMENT),
    ),
    Verb("take", _on(reviews.take), _posted(f"{PAGE}/take"), _called("taken")),
    Verb(
        "release",
        _on(reviews.release),
        _posted(f"{PAGE}/release"),
        lambda client, case: client.delete(f"{API}/taken"),
    ),
    Verb("rehearse", _rehearse, _read_out(f"{PAGE}/rehearse"), _named("rehearsals")),
    Verb("look again", _on(reviews.look_again), _posted(f"{PAGE}/look"), _called("look")),
    Verb("prepare again", _on(reviews.prepare_again), _posted(f"{PAGE}/prepare"), _called("fresh-plan")),
    Verb(
        "tick",
        lambda case, who: reviews.tick(case.remediation.pk, item=case.item, is_confirmed=True, **who),
        lambda client, case: client.post(f"{PAGE}/tick", {"item": case.item, "confirmed": "yes"}),
        lambda client, case: client.post(f"{API}/ticks", {"item": case.item}, format="json"),
    ),
    Verb(
        "cut",
        lambda case, who: reviews.cut(case.remediation.pk, number=1, base_digest=case.head.digest, **who),
        lambda client, case: client.post(f"{PAGE}/cut", {"step": "1", "base_digest": case.head.digest}),
        lambda client, case: client.post(f"{API}/cut", {"step": 1, "base_digest": case.head.digest}, format="json"),
    ),
    Verb(
        "redraft",
        _on(remediations.redraft),
        _posted(f"/tickets/{KEY}/redraft"),
        _called("redraft"),
    ),
    Verb(
        "close",
        _on_ticket(tickets.close, resolution="Done by hand."),
        _posted(f"/tickets/{KEY}/close", resolution="Done by hand."),
        _called("close", resolution="Done by hand."),
    ),
]

State = Callable[[dict[str, Person], Ticket], None]


def being_checked(cast: dict[str, Person], incident: Ticket) -> None:
    """The draft is written; its gates have not spoken."""
    review.drafted(incident)


def merge_open(cast: dict[str, Person], incident: Ticket) -> None:
    """The merge plan waits."""
    being_checked(cast, incident)
    drain("probe")


def taken(cast: dict[str, Person], incident: Ticket) -> None:
    """The merge plan waits, and the reviewer is on it."""
    merge_open(cast, incident)
    remediation = review.remediation_of(incident)
    reviews.take(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())


def rollout_open(cast: dict[str, Person], incident: Ticket) -> None:
    """The reviewer signed the merge stage; the rollout plan waits."""
    merge_open(cast, incident)
    _sign(cast["reviewer"], incident)


def signed(cast: dict[str, Person], incident: Ticket) -> None:
    """Both stages are signed; no worker has come."""
    rollout_open(cast, incident)
    _sign(cast["approver"], incident)


def critical_rollout_open(cast: dict[str, Person], incident: Ticket) -> None:
    """A command for people: critical, with a checklist that is confirmed."""
    review.drafted(incident, review.with_command(rollback=WAY_BACK))
    drain("probe")
    case = Case(cast["reviewer"], review.remediation_of(incident))
    reviews.tick(
        case.remediation.pk, item=case.item, is_confirmed=True, person=case.person, door="page", at=timezone.now()
    )
    _sign(cast["reviewer"], incident)


def rejected(cast: dict[str, Person], incident: Ticket) -> None:
    """Somebody said no."""
    merge_open(cast, incident)
    remediation = review.remediation_of(incident)
    reviews.reject(
        remediation.pk, reason="unsafe", comment="No.", person=cast["reviewer"], door="page", at=timezone.now()
    )


def closed(cast: dict[str, Person], incident: Ticket) -> None:
    """Rejected, mended by hand, closed."""
    rejected(cast, incident)
    tickets.close(incident.pk, person=cast["engineer"], door="page", at=timezone.now(), resolution="Mended by hand.")


STATES: list[State] = [
    being_checked,
    merge_open,
    taken,
    rollout_open,
    signed,
    critical_rollout_open,
    rejected,
    closed,
]


def _sign(person: Person, incident: Ticket) -> None:
    _sign_by_service(Case(person, review.remediation_of(incident)), {})


@pytest.fixture
def cast(db: None, lab_connectors: None) -> dict[str, Person]:
    review.world()
    return review.people()


@pytest.fixture
def incident(cast: dict[str, Person]) -> Ticket:
    """A ticket whose evidence is fresh by the real clock."""
    incident = review.ticket(cast["engineer"], KEY)
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    return incident


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_door_gives_the_same_answer(state: State, cast: dict[str, Person], incident: Ticket) -> None:
    state(cast, incident)
    clients = {role: (as_(person), caller(person)) for role, person in cast.items()}
    cases = {role: Case(person, review.remediation_of(incident)).read() for role, person in cast.items()}
    different, read = [], set[tuple[str, ...]]()
    for verb in VERBS:
        for role, case in cases.items():
            if verb.name != "sign" or state is not being_checked:
                problems = _compare(verb, case, *clients[role], read)
                different += [f"{role}, {verb.name}: {problem}" for problem in problems]
    assert different == []


def _compare(verb: Verb, case: Case, browser: Client, token: APIClient, read: set[tuple[str, ...]]) -> list[str]:
    """What differs between the doors; nothing is kept. `read` are the reasons that were read on a page before."""
    reasons, after = _tried(case, lambda: _by_service(verb, case))
    page, after_page = _tried(case, lambda: verb.page(browser, case))
    answer, after_api = _tried(case, lambda: verb.api(token, case))
    status, texts = reasons
    shown = _said(page) if tuple(texts) in read else _read_on(browser, page)
    read.add(tuple(texts))
    problems = []
    if (after, after) != (after_page, after_api):
        problems.append(f"the service leaves {after}, the page {after_page}, the API {after_api}")
    if answer.status_code // 100 != status // 100 or (status >= 400 and answer.status_code != status):
        problems.append(f"the service answers {status} {texts}, the API {answer.status_code} {answer.content[:300]!r}")
    said = [error["message"] for error in answer.json()["errors"]] if answer.status_code >= 400 else []
    if said != texts:
        problems.append(f"the service says {texts}, the API {said}")
    if status < 400 <= page.status_code or not all(text in shown or escape(text) in shown for text in texts):
        problems.append(f"the service says {texts}, the page ({page.status_code}) does not")
    return problems


def _read_on(browser: Client, page: Any) -> str:
    """What the person reads: the answer itself, or the page it leads to."""
    shown = browser.get(page.url) if page.status_code == 302 else page
    return html.unescape(shown.content.decode())


def _said(page: Any) -> str:
    """The same without drawing the page it leads to: the answer itself, and what it leaves to be said there."""
    left = [str(message) for message in get_messages(page.wsgi_request)]
    return "\n".join([html.unescape(page.content.decode()), *left])


def _by_service(verb: Verb, case: Case) -> tuple[int, list[str]]:
    who = {"person": case.person, "door": "api", "at": timezone.now()}
    try:
        verb.service(case, who)
    except Refusal as refusal:
        return refusal.status, [reason.text for reason in refusal.reasons]
    return 200, []


def _tried(case: Case, act: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """The answer, and what it left behind; then everything is as before."""
    with transaction.atomic():
        answer = act()
        after = _left_behind(case.remediation.ticket_id)
        transaction.set_rollback(True)
    return answer, after


LEFT_BEHIND = """
    WITH mine AS (SELECT * FROM drafting_remediation WHERE ticket_id = %(ticket)s),
         plans AS (SELECT * FROM signoff_plan WHERE subject_id IN (SELECT id FROM mine))
    SELECT jsonb_build_object(
        'ticket', (SELECT status FROM tickets_ticket WHERE id = %(ticket)s),
        'remediations', (SELECT jsonb_agg(ARRAY[number::text, status] ORDER BY number) FROM mine),
        'plans', (SELECT jsonb_agg(ARRAY[stage, status, void_reason] ORDER BY id) FROM plans),
        'votes', (SELECT jsonb_agg(person_id ORDER BY id) FROM signoff_vote WHERE plan_id IN (SELECT id FROM plans)),
        'revisions', (SELECT count(*) FROM drafting_revision WHERE remediation_id IN (SELECT id FROM mine)),
        'objections', (SELECT jsonb_agg(ARRAY[kind, reason] ORDER BY id) FROM review_objection
                       WHERE remediation_id IN (SELECT id FROM mine)),
        'taken by', (SELECT jsonb_agg(person_id) FROM review_take
                     WHERE remediation_id IN (SELECT id FROM mine) AND released_at IS NULL))
"""


def _left_behind(ticket_id: int) -> dict[str, Any]:
    """Everything that a verb may change, in one statement: it is asked after each of two thousand tries."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT_BEHIND, {"ticket": ticket_id})
        (found,) = cursor.fetchone()
    return dict(json.loads(found))
