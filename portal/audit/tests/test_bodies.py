"""Retention as the general cluster runs it: old bodies go, proof stays, holds hold, and nobody shortens the time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.access.testing import person
from portal.audit import bodies, sealing, verifying
from portal.audit import services as audit
from portal.audit.models import Event, LegalHold, Retention
from portal.audit.sealer import Sealer
from portal.audit.tests.test_verifying import Remembering
from portal.audit.verifying import Misfit
from portal.jobs import services as jobs
from portal.jobs.testing import drain
from portal.kit.actors import Actor, Ref
from portal.kit.refusals import Refused, StaleTransition

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
AUDE = Actor("human", 9, "aude", "page")
KEY = sealing.private_key("A" * 43)
RunningAs = Callable[[str], AbstractContextManager[None]]


def happened(number: int, *, days_ago: int = 0) -> Event:
    ticket = Ref("tickets.ticket", number, f"INC-{number}")
    event = audit.record(
        "it.happened", actor=AUDE, at=AT, subject=Ref("a.b", 1, "b"), ticket=ticket, data={"n": number}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE audit_event SET recorded_at = recorded_at - make_interval(days => %s) WHERE id = %s",
            [days_ago, event.pk],
        )
    return event


def keep_for(days: int | None) -> None:
    bodies.keep_for(days, actor=AUDE, at=AT)


def drop(running_as: RunningAs) -> list[str]:
    jobs.enqueue("jobs.drop_bodies", at=timezone.now())
    with running_as("general"):
        return drain("general")


def kept() -> set[int | None]:
    return set(Event.objects.filter(kind="it.happened", body__isnull=False).values_list("ticket_id", flat=True))


def test_bodies_go_when_they_are_old_and_the_proof_stays(committed_db: str, running_as: RunningAs) -> None:
    happened(1, days_ago=100)
    happened(2, days_ago=100)
    happened(3)
    anchor = Remembering([])
    Sealer(KEY, anchor).turn(at=AT)
    assert drop(running_as) == ["jobs.drop_bodies: dropped 0 bodies"]
    keep_for(90)
    assert drop(running_as) == ["jobs.drop_bodies: dropped 2 bodies"]
    assert drop(running_as) == ["jobs.drop_bodies: dropped 0 bodies"]
    assert kept() == {3}
    Sealer(KEY, anchor).turn(at=AT)
    report = verifying.verify(anchor=anchor, keys=frozenset())
    assert report.events == Event.objects.count()
    dropped = audit.body_of(Event.objects.get(kind=bodies.DROPPED))
    assert dropped["dropped"] == 2
    assert dropped["older_than"] < sealing.moment(timezone.now() - timedelta(days=89))


def test_a_body_that_went_another_way_is_found(committed_db: str, running_as: RunningAs) -> None:
    happened(1, days_ago=100)
    young = happened(2, days_ago=10)
    anchor = Remembering([])
    keep_for(90)
    drop(running_as)
    Sealer(KEY, anchor).turn(at=AT)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET body = NULL WHERE id = %s", [young.pk])
    with pytest.raises(Misfit, match="lost its body") as found:
        verifying.verify(anchor=anchor, keys=frozenset())
    assert found.value.event_id == young.pk


def test_a_hold_keeps_a_ticket_s_bodies_until_it_is_lifted(committed_db: str, running_as: RunningAs) -> None:
    for number in (1, 2, 3):
        happened(number, days_ago=100)
    keep_for(90)
    held = bodies.hold("INC-2", reason="A court asks.", actor=AUDE, at=AT)
    with pytest.raises(StaleTransition, match="held already"):
        bodies.hold("INC-2", reason="Again.", actor=AUDE, at=AT)
    drop(running_as)
    assert kept() == {2}
    bodies.lift(held.pk, reason="Settled.", actor=AUDE, at=AT)
    with pytest.raises(StaleTransition, match="lifted already"):
        bodies.lift(held.pk, reason="Again.", actor=AUDE, at=AT)
    drop(running_as)
    assert kept() == set()
    assert LegalHold.objects.get().is_settled
    said = {
        event.kind: (event.ticket_key, audit.body_of(event)) for event in Event.objects.filter(kind__contains="hold")
    }
    assert said["audit.hold_placed"] == ("INC-2", {"reason": "A court asks."})
    assert said["audit.hold_lifted"] == ("INC-2", {"reason": "Settled."})


def test_a_ticket_that_the_trail_does_not_know_cannot_be_held(db: None) -> None:
    for key in ("INC-404", ""):
        with pytest.raises(Refused, match="knows no ticket"):
            bodies.hold(key, reason="Why?", actor=AUDE, at=AT)


def test_the_time_has_a_minimum_also_in_the_database(db: None) -> None:
    with pytest.raises(Refused, match="at least 30 days"):
        keep_for(1)
    with pytest.raises(Exception, match="audit_retention_is_not_too_short"):
        Retention.objects.update(days=1)


FORBIDDEN = [
    "UPDATE audit_retention SET dropped_below = 9999",
    "DELETE FROM audit_retention",
    "DELETE FROM audit_legalhold",
    "UPDATE audit_legalhold SET is_settled = true",
    "UPDATE audit_legalhold SET ticket_id = 2",
]


HOLD = """
INSERT INTO audit_legalhold (ticket_id, ticket_key, reason, placed_by, placed_at, lifted_by, lift_reason, is_settled)
VALUES (1, 'INC-1', '', '', now(), '', '', false)
"""


@pytest.mark.parametrize("process", ["web", "drafting", "probe", "execution", "general"])
def test_no_role_gets_around_the_rule(committed_db: str, as_role: Callable[[str], Any], process: str) -> None:
    forbidden = list(FORBIDDEN)
    if process != "general":
        forbidden.append("SELECT audit_drop_bodies(10)")
    if process != "web":
        forbidden += [
            "UPDATE audit_retention SET days = 30",
            "UPDATE audit_legalhold SET lifted_at = now()",
            HOLD,
        ]
    with as_role(process) as role:
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)


def test_the_page_sets_days_and_holds_as_the_web_role(committed_db: str, running_as: RunningAs) -> None:
    happened(7)
    petra, aude, ella = (Client() for _ in range(3))
    petra.force_login(person("petra", "policy admin"))
    aude.force_login(person("aude", "auditor"))
    ella.force_login(person("ella", "engineer"))
    with running_as("web"):
        assert aude.post("/audit/retention/days", {"days": 60}).status_code == 403
        assert petra.post("/audit/retention/days", {"days": 6}).status_code == 422
        assert petra.post("/audit/retention/days", {"days": 60}).status_code == 302
        assert Retention.objects.get().days == 60
        assert aude.post("/audit/retention/holds", {"ticket": "INC-8", "reason": "x"}).status_code == 422
        assert aude.post("/audit/retention/holds", {"ticket": "INC-7"}).status_code == 422
        assert aude.post("/audit/retention/holds", {"ticket": "INC-7", "reason": "A court asks."}).status_code == 302
        assert aude.post("/audit/retention/holds", {"ticket": "INC-7", "reason": "Again."}).status_code == 409
        held = LegalHold.objects.get()
        assert ella.post(f"/audit/retention/holds/{held.pk}/lift", {"reason": "x"}).status_code == 403
        assert "A court asks." in aude.get("/audit/retention").content.decode()
        assert aude.post(f"/audit/retention/holds/{held.pk}/lift", {"reason": ""}).status_code == 422
        assert aude.post(f"/audit/retention/holds/{held.pk}/lift", {"reason": "Settled."}).status_code == 302
        assert aude.post(f"/audit/retention/holds/{held.pk}/lift", {"reason": "Settled."}).status_code == 409
        assert "Settled." in petra.get("/audit/retention").content.decode()
    changed = Event.objects.get(kind="audit.retention_changed")
    assert audit.body_of(changed) == {"before": {"days": None}, "after": {"days": 60}}
