"""Passwords: who reads their digests, what a new one ends, and how somebody gets in without one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from django.test import Client
from django.utils import timezone

from portal.access import tokens
from portal.access.fields import CLUSTERS
from portal.access.models import Person, Token

RunningAs = Callable[[str], AbstractContextManager[None]]
AsRole = Callable[[str], Any]


@pytest.mark.parametrize("process", sorted(role.removeprefix("countersign_") for role in CLUSTERS))
def test_no_cluster_reads_a_password_and_all_read_people(
    committed_db: str, as_role: AsRole, running_as: RunningAs, process: str
) -> None:
    person = Person.objects.create_user("alice", "correct horse")
    tokens.issue(person=person, name="ci", scopes=["stats:read"], actor=person.at("command"), at=timezone.now())
    with as_role(process) as cluster:
        for asked in ("password", "*", "person"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                cluster.execute(f"SELECT {asked} FROM access_person AS person")  # noqa: S608 - our own words
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            cluster.execute("SELECT digest FROM access_token")
    with running_as(process):
        alice = Person.objects.get(username="alice")
        assert (alice.username, alice.password) == ("alice", "")
        assert not alice.check_password("correct horse")
    with running_as("web"):
        assert Person.objects.get(username="alice").check_password("correct horse")
        assert Token.objects.select_related("person").get().person.password.startswith("md5$")


@pytest.mark.django_db
def test_a_new_password_ends_every_other_session() -> None:
    Person.objects.create_user("alice", "correct horse")
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.post("/login", {"username": "alice", "password": "correct horse"})
        assert client.get("/account/tokens").status_code == 200
    key = here.session.session_key
    new = {"new_password1": "staple-and-more-7", "new_password2": "staple-and-more-7"}
    assert here.post("/account/password", {"old_password": "correct horse", **new}).status_code == 302
    assert here.get("/account/tokens").status_code == 200
    assert here.session.session_key != key
    assert elsewhere.get("/account/tokens").status_code == 302


@pytest.mark.django_db
def test_a_session_that_somebody_planted_is_not_the_one_that_signs_in() -> None:
    Person.objects.create_user("alice", "correct horse")
    victim, attacker = Client(), Client()
    session = attacker.session
    session["planted"] = True
    session.save()
    for client in (victim, attacker):
        client.cookies["sessionid"] = str(session.session_key)
    assert victim.post("/login", {"username": "alice", "password": "correct horse"}).status_code == 302
    assert victim.get("/account/tokens").status_code == 200
    assert attacker.get("/account/tokens").status_code == 302
    assert victim.session.session_key != session.session_key
