"""What happened, through the page and the API: pasted, read, corrected, kept; told by a run; a role asked for."""

from __future__ import annotations

import html
import re

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.jobs.models import Job
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1, as_, incident
from remediation.drafting import context
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.execution import retelling
from remediation.execution.models import StepOutput, StepRun
from remediation.execution.testing import SECONDARY, command, draft, scaling, signed
from remediation.execution.tests.test_by_hand import Hands
from remediation.review import testing as review
from remediation.tickets import services as tickets
from remediation.tickets import timelines
from remediation.tickets.models import Evidence, Ticket, Timeline

NOTES = """\
Root cause: the journal has no cap.

[02:14] Paged: disk_almost_full on log-ship-1
[02:17] ana@log-ship-1:~$ df -h /var/log
/dev/vdb1 98%

Something without a time of its own.
"""


def value_of(name: str, page: str) -> str:
    """What stands in a field of the page, as a browser would send it back."""
    found = re.search(
        rf'<input[^>]*name="{name}"[^>]*>|<textarea[^>]*name="{name}"[^>]*>(?P<text>.*?)</textarea>', page, re.DOTALL
    )
    assert found, name
    if found["text"] is not None:
        return html.unescape(found["text"]).removeprefix("\n")
    inside = re.search(r'value="([^"]*)"', found[0])
    return html.unescape(inside[1]) if inside else ""


def filled(page: str) -> dict[str, str]:
    """Everything that the form would send back unchanged."""
    names = dict.fromkeys(re.findall(r'name="((?:entries-[^"]+)|symptom|root_cause|source)"', page))
    return {name: value_of(name, page) for name in names if not name.endswith("leave_out")}


def pasted(client: Client, text: str = NOTES) -> str:
    answer = client.post("/tickets/INC-1/incident", {"read": "yes", "notes": text, "day": "2026-11-20"})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_pasted_notes_are_shown_corrected_and_only_then_kept(cast: dict[str, Person]) -> None:
    ticket = review.ticket(cast["engineer"])
    client = as_(cast["engineer"])
    page = pasted(client)
    assert not Timeline.objects.exists()
    form = filled(page)
    assert form["entries-1-command"] == "df -h /var/log"
    assert form["root_cause"] == "the journal has no cap."
    form |= {"symptom": "The disk is full.", "entries-2-leave_out": "on", "entries-0-host": "log-ship-1", "keep": "yes"}
    assert client.post("/tickets/INC-1/incident", form).status_code == 302
    kept = Timeline.objects.get()
    assert kept.source == Timeline.Source.PASTED
    assert [(each.host, each.command, each.output) for each in kept.told.entries] == [
        ("log-ship-1", "", ""),
        ("log-ship-1", "df -h /var/log", "/dev/vdb1 98%"),
    ]
    rows = [(each.ref, each.kind, each.command) for each in Evidence.objects.filter(timeline=kept).order_by("number")]
    assert rows == [("E2", "timeline", ""), ("E3", "command", "df -h /var/log"), ("E4", "note", "")]
    event = Event.objects.get(kind="timeline.kept")
    assert audit.body_of(event) == {
        "digest": kept.digest,
        "source": "pasted",
        "refs": ["E2", "E3", "E4"],
    }
    shown = client.get(f"/tickets/{ticket.key}").content.decode()
    assert "the journal has no cap." in shown
    assert "2 entries, pasted and corrected" in shown


def test_what_is_not_right_comes_back_with_all_that_was_typed(cast: dict[str, Person]) -> None:
    review.ticket(cast["engineer"])
    client = as_(cast["engineer"])
    form = filled(pasted(client)) | {"entries-0-at": "", "entries-1-command": "", "keep": "yes"}
    answer = client.post("/tickets/INC-1/incident", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Say which command this is the output of." in page
    assert value_of("entries-1-output", page) == "/dev/vdb1 98%"
    assert not Timeline.objects.exists()


def test_a_kept_timeline_is_corrected_by_another_and_the_drafter_reads_the_new_one_only(
    cast: dict[str, Person],
) -> None:
    ticket = review.ticket(cast["engineer"])
    client = as_(cast["engineer"])
    client.post("/tickets/INC-1/incident", filled(pasted(client)))
    form = filled(client.get("/tickets/INC-1/incident").content.decode()) | {"root_cause": "No age limit either."}
    assert client.post("/tickets/INC-1/incident", form).status_code == 302
    again = client.post("/tickets/INC-1/incident", form)
    assert again.status_code == 409
    assert "Exactly this timeline is kept already." in again.content.decode()

    read = context.evidence_of(tickets.evidence_of(ticket), tickets.timeline_of(ticket))
    assert [piece.ref for piece in read] == ["E1", "E6", "E7", "E8", "E9"]


def test_secrets_are_gone_before_anybody_reads_them(cast: dict[str, Person], api: dict[str, APIClient]) -> None:
    review.ticket(cast["engineer"])
    secret = "AKIAIOSFODNN7EXAMPLE"
    read = filled(pasted(as_(cast["engineer"]), f"[02:14] $ cat key\naws key {secret}"))
    assert read["entries-0-command"] == "cat key"
    assert secret not in str(read)
    entry = {"at": "2026-11-20T02:14:00Z", "command": f"export AWS_ACCESS_KEY_ID={secret}", "output": secret}
    kept = api["engineer"].post(f"{V1}/tickets/INC-1/timeline", {"entries": [entry]}, format="json")
    assert kept.status_code == 201
    assert api["engineer"].post(f"{V1}/tickets", incident("INC-2", timeline=[entry]), format="json").status_code == 201
    for timeline in Timeline.objects.all():
        assert secret not in timeline.content
    assert not Evidence.objects.filter(text__contains=secret).exists()
    assert not Evidence.objects.filter(command__contains=secret).exists()


def test_who_only_reads_tells_nothing(cast: dict[str, Person]) -> None:
    review.ticket(cast["engineer"])
    assert as_(cast["auditor"]).get("/tickets/INC-1/incident").status_code == 403
    form = {"entries-TOTAL_FORMS": "0", "entries-INITIAL_FORMS": "0", "source": "typed"}
    assert as_(cast["auditor"]).post("/tickets/INC-1/incident", form).status_code == 403


def test_the_api_reads_notes_and_keeps_what_is_sent(cast: dict[str, Person], api: dict[str, APIClient]) -> None:
    review.ticket(cast["engineer"])
    path = f"{V1}/tickets/INC-1/timeline"
    assert api["engineer"].get(path).status_code == 404
    read = api["engineer"].post(f"{path}/read", {"text": NOTES, "day": "2026-11-20"}, format="json")
    assert read.status_code == 200
    assert not Timeline.objects.exists()
    sent = api["engineer"].post(path, read.json(), format="json")
    assert sent.status_code == 201
    assert sent.json()["refs"] == ["E2", "E3", "E4", "E5"]
    assert api["auditor"].get(path).json() == sent.json()


def test_a_ticket_opened_with_its_timeline_keeps_it(api: dict[str, APIClient]) -> None:
    entries = [{"at": "2026-11-20T02:14:00Z", "text": "Paged.", "host": "log-ship-1", "by": "ana"}]
    body = incident(timeline=entries, symptom="Full.", root_cause="No cap.")
    assert api["engineer"].post(f"{V1}/tickets", body, format="json").status_code == 201
    kept = Timeline.objects.get().told
    assert (kept.symptom, kept.root_cause, kept.hosts) == ("Full.", "No cap.", ("log-ship-1",))
    texts = list(Evidence.objects.order_by("number").values_list("text", flat=True))
    assert texts[:2] == ["by: ana\nhost: log-ship-1\nPaged.", "Symptom: Full.\nRoot cause: No cap."]


def test_a_run_by_hand_becomes_a_timeline_and_a_role_is_asked_for(cast: dict[str, Person], lab: LabProcess) -> None:
    seed.load(timezone.now())
    cap = command("Cap the journal", "journalctl --vacuum-size=1G", way_back="systemctl restart shipper-a")
    made = signed(draft(cap, systems=("log-ship-1",)), cast=cast, category_slug="storage")
    hands = Hands(made, made.operator)
    client = as_(made.cast["engineer"])
    assert client.get("/tickets/INC-1/incident?from=run").status_code == 409
    hands.start()
    for phase in ("preflight", "action", "verify"):
        assert hands.report(1, phase, output=f"seen at {phase}").status_code == 302
    form = filled(client.get("/tickets/INC-1/incident?from=run").content.decode())
    assert client.post("/tickets/INC-1/incident", form).status_code == 302
    kept = Timeline.objects.get()
    assert kept.source == Timeline.Source.RUN
    entries = kept.told.entries
    assert entries[1].command == "journalctl --vacuum-size=1G"
    assert (entries[1].by, entries[1].host) == (made.operator.username, "log-ship-1")
    assert [each.output for each in entries] == ["seen at preflight", "seen at action", "seen at verify"]
    assert made.remediation.status == Status.SUCCEEDED
    assert as_(made.operator).post("/tickets/INC-1/role").status_code == 403
    reviewer = as_(made.cast["reviewer"])
    assert "Draft a role from this" in reviewer.get("/tickets/INC-1").content.decode()
    assert reviewer.post("/tickets/INC-1/role").status_code == 302
    asked = Remediation.objects.get(ticket=made.ticket, number=2)
    assert (asked.status, asked.is_role_wanted) == (Status.DRAFTING, True)
    assert Job.objects.filter(kind="drafting.redraft", subject_id=asked.pk).exists()
    assert Event.objects.get(kind="role.asked_for").subject_id == asked.pk
    assert reviewer.post("/tickets/INC-1/role").status_code == 409
    assert Ticket.objects.get().status == "processing"


def test_a_long_run_is_told_as_far_as_a_timeline_goes(cast: dict[str, Person], lab: LabProcess) -> None:
    seed.load(timezone.now())
    made = signed(draft(scaling(SECONDARY, 2, 3), systems=(review.SECONDARY,)), cast=cast)
    Hands(made, made.operator).start()
    step = StepRun.objects.get(run=made.run)
    said = {"step_id": step.pk, "run_id": made.run.pk, "phase": "action", "is_good": True, "says": "Go.", "by": "omar"}
    StepOutput.objects.bulk_create(StepOutput(**said, text="x" * 20_000, at=timezone.now()) for _ in range(101))
    told = retelling.timeline_of(made.run)
    assert not list(timelines.problems_of(told))
    assert len(told.entries) == 100
    assert told.entries[-1].text == f"There is more; all of it stands in the log of run {made.run.pk}."
    assert told.entries[0].output.endswith("[4000 characters left out]")


def test_no_role_is_drafted_from_nothing(cast: dict[str, Person], api: dict[str, APIClient]) -> None:
    ticket = review.ticket(cast["engineer"])
    path = f"{V1}/tickets/INC-1/role"
    assert api["reviewer"].post(path).json()["errors"][0]["code"] == "not_begun"
    remediation = remediations.begin(ticket.pk, actor=cast["engineer"].at("api"), at=timezone.now())
    refused = api["reviewer"].post(path)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "no_timeline")
    body = {"entries": [{"at": "2026-11-20T02:14:00Z", "text": "x"}]}
    api["engineer"].post(f"{V1}/tickets/INC-1/timeline", body, format="json")
    assert api["reviewer"].post(path).json()["errors"][0]["code"] == "under_way"
    remediations.move(remediation, Status.FAILED, actor=cast["engineer"].at("api"), at=timezone.now())
    assert api["reviewer"].post(path).json() == {"ticket_id": "INC-1", "status": "processing", "resolution": ""}
