"""The operations page and its API: everybody compares ways back, and reads of those tickets only that they may see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.access.models import Person
from portal.access.testing import caller
from portal.estate.models import Category
from portal.kit.actors import Ref, system
from remediation.connectors.catalogue import OPERATIONS
from remediation.connectors.lab import first_day
from remediation.desk.testing import V1, as_
from remediation.policy import services as policies
from remediation.review.testing import AT, people, world
from remediation.wayback import services as waysback
from remediation.wayback.record import LAST
from remediation.wayback.services import NewTaken

pytestmark = pytest.mark.django_db


def take(number: int, *, worked: bool = True, operation: str = "scale_deployment", playbook: str = "") -> None:
    new = NewTaken(
        operation=operation,
        category_id=Category.objects.get(slug="kubernetes").pk,
        source=f"run:{number}:1",
        has_worked=worked,
        target=first_day.SECONDARY,
        is_lab=True,
        ticket=Ref("tickets.ticket", number, f"OLD-{number}"),
        says="It has 6 pods.",
        playbook=playbook,
    )
    waysback.keep(new, actor=system("execution"), at=AT + timedelta(minutes=number))


def test_the_page_and_the_api_compare_every_operation() -> None:
    world()
    cast = people()
    for number in (1, 2, 3):
        take(number)
    take(4, worked=False, operation="restart_pod")
    page = as_(cast["auditor"]).get("/operations").content.decode()
    assert all(name in page for name in OPERATIONS)
    assert "3 of 3 worked, last on" in page
    assert "Ways back that worked" in page
    rows = {row["name"]: row for row in caller(cast["auditor"]).get(f"{V1}/operations").json()}
    assert set(rows) == set(OPERATIONS)
    scale, restart = rows["scale_deployment"], rows["restart_pod"]
    assert (scale["taken"], scale["worked"], scale["percent"], scale["is_proven"]) == (3, 3, 100.0, True)
    assert scale["lower_bound"] == pytest.approx(43.9, abs=0.1)
    assert (restart["is_proven"], restart["percent"], restart["lower_bound"]) == (False, 0.0, 0.0)
    assert (rows["enable_port"]["percent"], rows["enable_port"]["last_at"]) == (None, None)
    assert rows["expand_volume"]["says"] == "Rollback unproven: there is none."
    assert "cannot be undone" in as_(cast["auditor"]).get("/operations/expand_volume").content.decode()


def test_it_is_kept_once_however_often_it_is_told() -> None:
    world()
    for worked in (True, False):
        take(1, worked=worked)
    assert waysback.records_of(["scale_deployment"])["scale_deployment"].says.startswith("1 of 1 worked")


def test_a_role_has_a_record_of_its_own() -> None:
    world()
    take(1, operation="apply_role", playbook="a" * 64)
    take(2, operation="apply_role", playbook="b" * 64, worked=False)
    assert waysback.records_of(["apply_role"])["apply_role"].says.startswith("Rollback unproven: 1 of 2 worked")
    said = [policies.ways_back_of({"apply_role": True}, role=each * 64)[0].says for each in "abc"]
    assert said[0].startswith("1 of 1 worked")
    assert said[1].startswith("Rollback unproven: 0 of 1 worked")
    assert said[2] == "Rollback unproven: it was never taken."


def test_only_the_newest_count() -> None:
    world()
    for number in range(1, LAST + 3):
        take(number, worked=number > 2)
    assert waysback.records_of(["scale_deployment"])["scale_deployment"].says.startswith(f"{LAST} of {LAST} worked")


def test_of_tickets_that_one_may_not_see_nothing_is_shown() -> None:
    world()
    people()
    take(1)
    stranger = Person.objects.create_user("stranger")
    page = as_(stranger).get("/operations/scale_deployment").content.decode()
    assert "1 of 1 worked" in page
    assert "OLD-1" not in page
    assert as_(stranger).get("/operations/no_such_thing").status_code == 404
