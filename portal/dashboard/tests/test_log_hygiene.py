"""The incident of the walkthrough that becomes a role, drafted without a key; and the role that is stopped."""

from __future__ import annotations

from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.access.testing import caller
from portal.dashboard.walkthrough import incidents
from portal.jobs.testing import drain
from remediation.connectors import seed as connectors
from remediation.connectors.models import Connector
from remediation.desk.testing import V1
from remediation.knowledge import services as knowledge
from remediation.playbooks import gate

SCOPE = gate.Scope(("/etc/systemd/journald.conf.d", "/etc/logrotate.conf", "/var/log"), ("systemd-journald",))


def test_the_incident_is_drafted_as_a_role_for_all_its_hosts(cast: dict[str, Person], settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    connectors.load(timezone.now())
    knowledge.load(timezone.now())
    Connector.objects.filter(families=["hosts"]).update(provider="roles")
    engineer: APIClient = caller(cast["engineer"])
    sent = engineer.post(f"{V1}/tickets", incidents.log_hygiene("INC-1", timezone.now()), format="json")
    assert sent.status_code == 201, sent.content
    assert drain("drafting")[0] == "drafting.draft: Drafted by Runbook drafter: 4 steps."
    revision = engineer.get(f"{V1}/tickets/INC-1").json()["revision"]
    assert revision["draft"]["role"]["name"] == "log_hygiene"
    assert [step["action"]["parameters"][0]["value"] for step in revision["draft"]["steps"]] == list(
        incidents.ROLE_HOSTS
    )


def test_the_well_known_role_is_stopped_with_the_right_words() -> None:
    found = gate.check("log_hygiene", incidents.broken_role(), SCOPE)
    said = {(each.file, each.line, each.rule) for each in found}
    assert ("tasks/backout.yml", 1, "layout") in said
    assert ("tasks/main.yml", 9, "handler") in said
    assert ("tasks/main.yml", 4, "folder") in said
    assert ("tasks/main.yml", 28, "quarantine") in said
    assert any(each.rule == "converge" and "has no effect" in each.text for each in found)
