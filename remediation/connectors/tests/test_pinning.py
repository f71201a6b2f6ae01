"""Pins: made without a network, equal to what the servers list, shown and replaced by a command, recorded."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.utils import timezone

from portal.audit.models import Event
from remediation.connectors import client, seed
from remediation.connectors.models import Connector
from remediation.connectors.testing import LabProcess


def pin_tools(*arguments: str) -> str:
    out = StringIO()
    call_command("pin_tools", *arguments, stdout=out)
    return out.getvalue()


def test_what_the_seed_pins_is_what_the_servers_list(lab_connectors: LabProcess) -> None:
    for connector in Connector.objects.all():
        listed = client.listed(connector, "read")
        if connector.write_url:
            listed |= client.listed(connector, "write")
        assert connector.pinned_tools == listed
    assert Connector.objects.count() == 6
    assert all(Connector.objects.values_list("is_lab", flat=True))


def test_seeding_twice_changes_and_records_nothing(lab_connectors: LabProcess) -> None:
    before = list(Connector.objects.values())
    events = Event.objects.count()
    seed.load(timezone.now())
    assert (list(Connector.objects.values()), Event.objects.count()) == (before, events)


def test_seeding_leaves_a_connector_off_that_somebody_switched_off(lab_connectors: LabProcess) -> None:
    Connector.objects.update(is_enabled=False)
    seed.load(timezone.now())
    assert not Connector.objects.filter(is_enabled=True).exists()


def test_the_command_shows_what_changed_and_pins_it(lab_connectors: LabProcess) -> None:
    connector = Connector.objects.get(slug="lab-network")
    pinned = connector.pinned_tools
    connector.pinned_tools = {**pinned, "get_interface": "0" * 64, "reload_switch": "1" * 64}
    del connector.pinned_tools["enable_port"]
    connector.save()
    shown = {line.split()[1]: line.split()[0] for line in pin_tools("lab-network").splitlines()}
    assert shown["get_interface"] == "changed"
    assert shown["reload_switch"] == "gone"
    assert shown["enable_port"] == "new"
    assert shown["disable_port"] == "pinned"
    connector.refresh_from_db()
    assert "reload_switch" in connector.pinned_tools, "without --pin it only shows"

    assert f"{len(pinned)} tools of The lab: network are pinned." in pin_tools("lab-network", "--pin")
    connector.refresh_from_db()
    assert connector.pinned_tools == pinned
    event = Event.objects.order_by("-id").first()
    assert event is not None
    assert (event.kind, event.subject_name, event.door) == ("connector.tools_pinned", "lab-network", "command")


def test_the_command_says_what_is_wrong(lab_connectors: LabProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"There is no connector nowhere\."):
        pin_tools("nowhere")
    monkeypatch.setenv("LAB_READ_TOKEN", "nonsense")
    with pytest.raises(CommandError, match=r"The lab: network cannot be reached: .*\."):
        pin_tools("lab-network")


@pytest.mark.django_db
def test_reading_and_writing_cannot_share_an_address() -> None:
    with pytest.raises(IntegrityError, match="connector_reads_and_writes_apart"):
        Connector.objects.create(slug="both", name="Both", read_url="http://a/mcp", write_url="http://a/mcp")
