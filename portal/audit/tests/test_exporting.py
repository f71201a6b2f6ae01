"""The trail as a file and by API: complete, harmless in a spreadsheet, in constant memory, for its readers only."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.access.testing import caller, person
from portal.audit import exporting, reads, sealing
from portal.audit import services as audit
from portal.audit.models import Event
from portal.audit.sealer import seal_next
from portal.kit.actors import Actor, Ref
from portal.kit.testing.queries import statements

KEY = sealing.private_key("A" * 43)
ANA = Actor("human", 5, "ana", "page")


def happened(name: str = "thing", number: int = 1, **data: Any) -> Event:
    return audit.record("it.happened", actor=ANA, at=timezone.now(), subject=Ref("a.b", number, name), data=data)


def auditor() -> Client:
    client = Client()
    client.force_login(person("aude", "auditor"))
    return client


def downloaded(client: Client, path: str) -> str:
    answer: Any = client.get(path)
    assert answer.status_code == 200
    assert answer.streaming
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_run_by_a_spreadsheet(db: None, start: str) -> None:
    event = happened(f"{start}HYPERLINK('http://evil')", reason=f"{start}1")
    table = list(csv.DictReader(io.StringIO(downloaded(auditor(), "/audit/export.csv?kind=it.happened"), newline="")))
    assert table[0]["subject_name"] == f"'{event.subject_name}"
    assert table[0]["id"] == str(event.pk)
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in table[0].values())


def test_both_files_say_the_same_and_all_of_it(db: None) -> None:
    happened('quo"ted, with\nlines', note="ü")
    client = auditor()
    listed = json.loads(downloaded(client, "/audit/export.json?kind=it.happened"))
    table = list(csv.DictReader(io.StringIO(downloaded(client, "/audit/export.csv?kind=it.happened"), newline="")))
    assert [list(row) for row in listed] == [list(row) for row in table] == [list(exporting.COLUMNS)]
    assert table[0]["subject_name"] == listed[0]["subject_name"] == 'quo"ted, with\nlines'
    assert sealing.leaf_of(listed[0])
    assert json.loads(downloaded(client, "/audit/export.json?kind=it.happened&actor=nobody")) == []


def test_that_somebody_took_the_trail_is_in_the_trail(db: None) -> None:
    downloaded(auditor(), "/audit/export.csv?actor=ana")
    taken = Event.objects.get(kind="audit.exported")
    assert (taken.actor_name, audit.body_of(taken)) == ("aude", {"format": "csv", "filters": {"actor": "ana"}})


def test_any_length_comes_whole_in_pieces_and_in_constant_memory(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "EXPORTED_AT_ONCE", 50)
    first = happened(text="x" * 2_000)
    given = [field for field in Event._meta.concrete_fields if not field.generated and not field.primary_key]
    copy = {field.attname: getattr(first, field.attname) for field in given}
    Event.objects.bulk_create([Event(**copy) for _ in range(2_000)])
    with statements() as queries:
        ids = [row["id"] for row in exporting.rows(reads.Filters(kind="it.happened"))]
    assert len(set(ids)) == 2_001
    assert ids == sorted(ids, reverse=True)
    assert len(queries) <= 2 * (2_001 // 50 + 2)
    tracemalloc.start()
    for _line in exporting.as_csv(reads.Filters(kind="it.happened")):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000 * 2_001 / 4


def test_the_api_gives_pages_by_every_filter(db: None) -> None:
    api = caller(person("aude", "auditor"))
    events = [happened(number=number) for number in range(3)]
    answer = api.get("/api/v1/audit/events?kind=it.happened&size=2").json()
    assert [item["id"] for item in answer["items"]] == [events[2].pk, events[1].pk]
    rest = api.get(f"/api/v1/audit/events?kind=it.happened&size=2&after={answer['next']}").json()
    assert [item["id"] for item in rest["items"]] == [events[0].pk]
    assert rest["next"] is None
    found = api.get("/api/v1/audit/events?subject=a.b:1&actor=ana&door=page&since=2026-01-01T00:00:00Z").json()
    assert [item["id"] for item in found["items"]] == [events[1].pk]
    assert api.get("/api/v1/audit/events?until=2026-01-01T00:00:00Z").json()["items"] == []


@pytest.mark.parametrize("query", ["door=window", "subject=plan", "since=soon", "size=0", "colour=red"])
def test_nonsense_is_named(db: None, query: str) -> None:
    assert caller(person("aude", "auditor")).get(f"/api/v1/audit/events?{query}").status_code == 400


def test_the_api_is_for_readers_of_the_trail_with_the_scope(db: None) -> None:
    event = happened()
    without_scope = caller(person("aude", "auditor"), "tickets:read")
    without_role = caller(person("ella", "engineer"))
    for path in ("events", f"events/{event.pk}/proof", "checkpoint"):
        assert without_scope.get(f"/api/v1/audit/{path}").status_code == 403
        assert without_role.get(f"/api/v1/audit/{path}").status_code == 403
        assert Client().get(f"/api/v1/audit/{path}").status_code == 401


def test_proof_and_checkpoint_come_by_api(committed_db: str) -> None:
    api = caller(person("aude", "auditor"))
    event = happened(n=1)
    assert api.get("/api/v1/audit/checkpoint").status_code == 404
    assert api.get("/api/v1/audit/events/123456789/proof").status_code == 404
    assert api.get(f"/api/v1/audit/events/{event.pk}/proof").json()["unsealed"] == [event.pk]
    seal_next(KEY, at=timezone.now())
    checkpoint = sealing.Checkpoint(**api.get("/api/v1/audit/checkpoint").json())
    assert checkpoint.is_genuine()
    proof = api.get(f"/api/v1/audit/events/{event.pk}/proof").json()
    assert list(sealing.faults_of(proof, keys=frozenset({checkpoint.key}))) == []
    listed = api.get("/api/v1/audit/events?kind=it.happened").json()["items"][0]
    assert listed["seal"] == 1
    assert sealing.leaf_of(listed) == sealing.leaf_of(proof["events"][0])


def test_the_page_says_what_is_sealed_and_when_nobody_seals(committed_db: str) -> None:
    client = auditor()
    event = happened()
    assert "not yet" in client.get("/audit").content.decode()
    assert "Nothing is sealed yet" in client.get("/audit").content.decode()
    seal_next(KEY, at=timezone.now())
    page = client.get(f"/audit/{event.pk}").content.decode()
    assert "#1" in page
    assert event.written_by in page
    trail = client.get("/audit").content.decode()
    assert sealing.public_key_of(KEY) in trail
    assert "Nobody seals" not in trail
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied AS TABLE audit_event")
        cursor.execute("UPDATE copied SET id = id + 1000")
        cursor.execute("INSERT INTO audit_event SELECT * FROM copied")
    assert "not in seal 1" in client.get("/audit").content.decode()


def test_an_event_that_waits_too_long_is_an_alarm(committed_db: str) -> None:
    happened()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET recorded_at = now() - interval '1 minute'")
    assert "Nobody seals" in auditor().get("/audit").content.decode()
