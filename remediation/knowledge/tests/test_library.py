"""The library in the database: loading, switching, and its pages and privileges."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

import psycopg
import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from portal.access.models import Person
from portal.audit.models import Event
from portal.kit.actors import system
from portal.kit.refusals import StaleTransition
from remediation.knowledge import library, services
from remediation.knowledge.models import Runbook

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_loading_twice_changes_nothing(db: None) -> None:
    assert services.load(AT) == len(library.shipped())
    assert services.load(AT) == 0
    assert len(services.shelf()) == len(library.shipped())


def test_a_newer_file_replaces_the_text_and_leaves_the_switch_alone(db: None) -> None:
    services.load(AT)
    runbook = Runbook.objects.get(slug="clock-drift")
    services.switch(runbook.pk, is_active=False, actor=system("test"), at=AT)
    Runbook.objects.filter(pk=runbook.pk).update(digest="of an older file", version=0)
    assert services.load(AT) == 1
    runbook.refresh_from_db()
    assert (runbook.version, runbook.is_active) == (2, False)


def test_another_role_is_another_runbook(db: None) -> None:
    """A certificate for what this runbook drafts must not outlive a change of its role."""
    services.load(AT)
    runbook = Runbook.objects.get(slug="log-shipper-disk-full")
    shipped = library.shipped()[runbook.slug]
    other = replace(shipped, role=shipped.role.replace("14", "15"))
    assert other.digest != shipped.digest == runbook.digest
    (book,) = [book for book in services.shelf() if book.slug == runbook.slug]
    assert book.procedure.role_files == shipped.procedure.role_files
    assert services.naming(["apply_role"], services.shelf()).keys() == {"clock-drift", "log-shipper-disk-full"}


def test_a_switched_off_runbook_is_not_handed_to_drafters(db: None) -> None:
    services.load(AT)
    runbook = Runbook.objects.get(slug="clock-drift")
    services.switch(runbook.pk, is_active=False, actor=system("test"), at=AT)
    assert "clock-drift" not in {book.slug for book in services.shelf()}
    assert Event.objects.filter(kind="runbook.switched_off", subject_id=runbook.pk).exists()
    with pytest.raises(StaleTransition):
        services.switch(runbook.pk, is_active=False, actor=system("test"), at=AT)


def test_the_pages_show_every_runbook_to_whoever_is_signed_in(db: None, client: Client) -> None:
    services.load(AT)
    assert client.get("/runbooks").status_code == HTTPStatus.FOUND
    client.force_login(Person.objects.create_user("alice"))
    page = client.get("/runbooks").content.decode()
    for runbook in Runbook.objects.all():
        assert f"/runbooks/{runbook.slug}" in page
        response = client.get(f"/runbooks/{runbook.slug}")
        assert response.status_code == HTTPStatus.OK
        assert runbook.title in response.content.decode()
    assert client.get("/runbooks/no-such-runbook").status_code == HTTPStatus.NOT_FOUND


def test_the_admin_switches_through_the_service(db: None, client: Client) -> None:
    services.load(AT)
    admin = Person.objects.create_user("carol", is_staff=True)
    wanted = Permission.objects.filter(codename__in=["view_runbook", "change_runbook"])
    admin.user_permissions.add(*wanted)
    client.force_login(admin)
    runbook = Runbook.objects.get(slug="clock-drift")
    data = {"action": "switch_off", "_selected_action": [runbook.pk]}
    client.post("/admin/knowledge/runbook/", data)
    runbook.refresh_from_db()
    assert not runbook.is_active
    assert Event.objects.get(kind="runbook.switched_off").actor_id == admin.pk


def test_only_the_web_may_change_the_library(
    committed_db: str, as_role: Callable[[str], AbstractContextManager[psycopg.Connection]]
) -> None:
    services.load(AT)
    with as_role("drafting") as connection:
        assert connection.execute("SELECT count(*) FROM knowledge_runbook").fetchone() == (len(library.shipped()),)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE knowledge_runbook SET is_active = false")
    with as_role("web") as connection:
        connection.execute("UPDATE knowledge_runbook SET is_active = false WHERE slug = 'clock-drift'")
