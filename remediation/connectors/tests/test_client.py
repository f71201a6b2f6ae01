"""The client against the real lab: who may write, what is never done twice, and what nobody can know yet."""

from __future__ import annotations

import multiprocessing
import time
from uuid import uuid4

import pytest
from django.db import transaction

from portal.jobs.outside import ActingInsideTransaction
from remediation.connectors import asking, catalogue, client, probes
from remediation.connectors.link import LINKS, Called
from remediation.connectors.models import Connector
from remediation.connectors.probes import Outcome
from remediation.connectors.testing import TOKENS, LabProcess
from remediation.connectors.tests.samples import SECONDARY

KUBERNETES = "lab-kubernetes"
TARGET = "kubernetes:lab-k8s/payments/deployment/payments-secondary"


def scale(replicas: int, *, key: str = "", fence: int = 1, timeout: float = 10) -> Outcome:
    arguments = {**SECONDARY, "replicas": replicas}
    key = key or str(uuid4())
    return client.write(KUBERNETES, "scale_deployment", arguments, idempotency_key=key, fence=fence, timeout=timeout)


def replicas() -> int:
    answer: int = client.read(KUBERNETES, "get_deployment", SECONDARY).data["replicas"]
    return answer


def test_answers_are_data_and_say_that_they_come_from_the_lab(lab_connectors: LabProcess) -> None:
    outcome = client.read(KUBERNETES, "get_deployment", SECONDARY)
    assert (outcome.ok, outcome.data["source"], outcome.data["replicas"]) == (True, "lab", 2)


def test_whoever_shares_answers_asks_a_question_once_and_the_next_round_asks_anew(lab_connectors: LabProcess) -> None:
    arguments = {"target": TARGET}
    ask = asking.once({})
    first = ask(KUBERNETES, "get_deployment", SECONDARY)
    lab_connectors.change(TARGET, "replicas", 4)
    assert ask(KUBERNETES, "get_deployment", SECONDARY) is first
    assert ask(KUBERNETES, "latest_backup", arguments).data != ask(KUBERNETES, "active_alerts", arguments).data
    assert asking.once({})(KUBERNETES, "get_deployment", SECONDARY).data["replicas"] == 4


def test_the_same_key_acts_once_and_is_answered_twice(lab_connectors: LabProcess) -> None:
    first = scale(6, key="one-and-the-same")
    scale(3)
    second = scale(6, key="one-and-the-same")
    assert (first.ok, second.ok, first.text) == (True, True, second.text)
    assert replicas() == 3
    assert len(lab_connectors.ledger()) == 3, "the ledger counts requests before de-duplication"


def test_a_failure_is_remembered_like_a_success(lab_connectors: LabProcess) -> None:
    lab_connectors.fault("scale_deployment", "fails")
    first, second = scale(6, key="failed-once"), scale(6, key="failed-once")
    assert first.error == second.error
    assert replicas() == 2


def test_a_key_cannot_be_used_for_something_else(lab_connectors: LabProcess) -> None:
    scale(6, key="one-and-the-same")
    outcome = client.write(KUBERNETES, "ensure_pods", SECONDARY, idempotency_key="one-and-the-same", fence=1)
    assert outcome.error == "This idempotency key belongs to another request."


def test_an_older_fence_is_refused_and_leaves_its_key_free(lab_connectors: LabProcess) -> None:
    assert scale(4, fence=7).ok
    late = scale(6, key="late-worker", fence=6)
    assert late.error == f"Fence 6 is older than 7, which {TARGET} has already seen."
    assert replicas() == 4
    assert client.asked_before(KUBERNETES, "late-worker").data["state"] == "not_performed"
    assert scale(6, fence=7).ok


def test_a_timeout_is_unknown_until_the_server_is_asked(lab_connectors: LabProcess) -> None:
    lab_connectors.fault("scale_deployment", "hangs", seconds=4)
    outcome = scale(6, key="slow-request", timeout=1)
    assert (outcome.ok, outcome.is_unknown) == (False, True)
    asked = client.asked_before(KUBERNETES, "slow-request")
    assert (asked.is_unknown, asked.data["state"]) == (True, "in_progress")
    deadline = time.monotonic() + 60
    while client.asked_before(KUBERNETES, "slow-request").is_unknown and time.monotonic() < deadline:
        time.sleep(0.1)
    assert client.asked_before(KUBERNETES, "slow-request").ok
    assert replicas() == 6


def test_a_connection_that_broke_after_the_effect_is_unknown_and_then_done(lab_connectors: LabProcess) -> None:
    lab_connectors.fault("scale_deployment", "loses_connection")
    outcome = scale(6, key="lost-answer")
    assert (outcome.ok, outcome.is_unknown) == (False, True)
    asked = client.asked_before(KUBERNETES, "lost-answer")
    assert (asked.ok, asked.text) == (True, "payments-secondary asks for 6 pods.")
    again = scale(6, key="lost-answer")
    assert (again.ok, len(lab_connectors.ledger())) == (True, 2)


def test_what_was_never_sent_was_not_performed(lab_connectors: LabProcess) -> None:
    asked = client.asked_before(KUBERNETES, "never-sent-anywhere")
    assert (asked.ok, asked.is_unknown, asked.data["state"]) == (False, False, "not_performed")


def test_kill_and_restart_keep_effects_keys_and_fences(lab_connectors: LabProcess) -> None:
    assert scale(6, key="before-the-kill", fence=5).ok
    lab_connectors.kill()
    down = scale(4)
    assert (down.ok, down.is_unknown) == (False, False)
    assert down.error.startswith("The lab: kubernetes cannot be reached and nothing was sent")
    assert client.asked_before(KUBERNETES, "before-the-kill").is_unknown
    lab_connectors.start()
    assert replicas() == 6
    assert scale(6, key="before-the-kill", fence=5).ok
    assert not scale(3, fence=4).ok
    assert client.asked_before(KUBERNETES, "before-the-kill").ok
    assert len(lab_connectors.ledger()) == 3


@pytest.mark.parametrize("token", ["", "read-token-of-the-tests", "admin-token-of-the-tests", "nonsense"])
def test_only_the_write_token_opens_the_write_server(
    token: str, lab_connectors: LabProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WRITE_TOKEN", token)
    outcome = scale(6)
    assert (outcome.ok, outcome.is_unknown) == (False, False)
    assert replicas() == 2
    assert lab_connectors.ledger() == []


def test_the_write_token_does_not_open_the_read_server(
    lab_connectors: LabProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_READ_TOKEN", TOKENS["LAB_WRITE_TOKEN"])
    assert not client.read(KUBERNETES, "get_deployment", SECONDARY).ok


def test_a_process_without_the_write_token_says_so(lab_connectors: LabProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_WRITE_TOKEN")
    assert scale(6).error == "This process does not hold LAB_WRITE_TOKEN, the write token of The lab: kubernetes."


def test_the_read_side_offers_no_writing_tool_even_where_it_is_pinned(lab_connectors: LabProcess) -> None:
    arguments = {**SECONDARY, "replicas": 6, "idempotency_key": "sneaked-in", "fence": 1}
    outcome = client.read(KUBERNETES, "scale_deployment", arguments)
    assert outcome.error == "The read server of The lab: kubernetes has no tool scale_deployment."


def test_reading_through_the_write_server_is_vetoed_by_what_the_tool_says_of_itself(lab_connectors: LabProcess) -> None:
    Connector.objects.filter(slug=KUBERNETES).update(
        read_url=f"{lab_connectors.url}/kubernetes/write", write_url="", read_token_env="LAB_WRITE_TOKEN"
    )
    arguments = {**SECONDARY, "replicas": 6, "idempotency_key": "sneaked-in", "fence": 1}
    outcome = client.read(KUBERNETES, "scale_deployment", arguments)
    assert outcome.error == "The tool scale_deployment of The lab: kubernetes says of itself that it writes."
    assert lab_connectors.ledger() == []


def test_a_tool_that_changed_since_it_was_pinned_is_refused_by_name(lab_connectors: LabProcess) -> None:
    connector = Connector.objects.get(slug=KUBERNETES)
    connector.pinned_tools |= {"get_deployment": "0" * 64, "scale_deployment": "0" * 64}
    connector.save()
    changed = "The tool {} of The lab: kubernetes has changed since it was pinned."
    assert client.read(KUBERNETES, "get_deployment", SECONDARY).error == changed.format("get_deployment")
    assert scale(6).error == changed.format("scale_deployment")
    assert lab_connectors.ledger() == []


def test_a_tool_that_was_never_pinned_is_refused(lab_connectors: LabProcess) -> None:
    connector = Connector.objects.get(slug=KUBERNETES)
    del connector.pinned_tools["get_deployment"]
    connector.save()
    outcome = client.read(KUBERNETES, "get_deployment", SECONDARY)
    assert outcome.error == "The tool get_deployment is not pinned on The lab: kubernetes."


def test_a_connector_that_is_switched_off_or_missing_is_not_asked(lab_connectors: LabProcess) -> None:
    Connector.objects.filter(slug=KUBERNETES).update(is_enabled=False)
    assert scale(6).error == "The lab: kubernetes is switched off."
    assert client.read("nowhere", "get_deployment", SECONDARY).error == "There is no connector nowhere."


def test_hosts_are_only_read(lab_connectors: LabProcess) -> None:
    usage = client.read("lab-hosts", "host_disk_usage", {"host": "log-ship-1", "mount": "/var/log"})
    journal = client.read("lab-hosts", "host_journal_config", {"host": "log-ship-1"})
    rotation = client.read("lab-hosts", "host_logrotate_config", {"host": "log-ship-1", "name": "shipper"})
    largest = client.read("lab-hosts", "host_largest_files", {"host": "log-ship-1", "path": "/var/log/journal"})
    assert usage.data["used_percent"] == 98
    assert (journal.data["has_cap"], rotation.data["has_maxage"]) == (False, False)
    assert largest.data["files"] == "21300 MB /var/log/journal/system.journal"
    written = client.write("lab-hosts", "host_disk_usage", {}, idempotency_key="no-such-thing", fence=1)
    assert written.error == "The lab: hosts only reads."


def test_nothing_is_called_inside_a_transaction(lab_connectors: LabProcess) -> None:
    with transaction.atomic(), pytest.raises(ActingInsideTransaction):
        client.read(KUBERNETES, "get_deployment", SECONDARY)
    with transaction.atomic(), pytest.raises(ActingInsideTransaction):
        scale(6)
    assert lab_connectors.ledger() == []


def test_every_server_answers_for_its_health_and_for_alerts(lab_connectors: LabProcess) -> None:
    assert client.read(KUBERNETES, "connector_health", {}).data["healthy"] is True
    alerts = client.read("lab-network", "active_alerts", {"target": "network:lab-sw1/Ethernet1/13"}).data
    assert (alerts["critical"], alerts["names"]) == (1, "crc_errors_rising")


def test_a_target_without_backup_says_so(lab_connectors: LabProcess) -> None:
    parameters = catalogue.validated("restart_vm", {"vcenter": "lab-vc1", "vm": "batch-02"})
    backup = catalogue.get("restart_vm").backup
    assert backup is not None
    judgement = probes.judge(
        backup(parameters), client.read("lab-vmware", "latest_backup", backup(parameters).arguments)
    )
    assert judgement.misses == ("exists should be true and is false.",)


@pytest.mark.parametrize(
    ("text", "is_unknown", "error"),
    [
        ("Error executing tool scale_deployment: There is no room.", False, "There is no room."),
        ("Error executing tool scale_deployment", True, "Error executing tool scale_deployment"),
        ("Unknown tool: scale_deployment", False, "Unknown tool: scale_deployment"),
    ],
)
def test_a_tool_that_crashed_may_have_acted_and_one_that_refused_has_not(
    text: str,
    is_unknown: bool,  # noqa: FBT001
    error: str,
) -> None:
    outcome = client._outcome("scale_deployment", Called(is_error=True, data={}, text=text))
    assert (outcome.ok, outcome.is_unknown, outcome.error) == (False, is_unknown, error)


def test_a_forked_worker_opens_connections_of_its_own(lab_connectors: LabProcess) -> None:
    assert offered(f"{lab_connectors.url}/kubernetes/read")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        answer = pool.apply_async(offered, [f"{lab_connectors.url}/kubernetes/read"])
        assert "get_deployment" in answer.get(timeout=30)


def offered(url: str) -> set[str]:
    return set(LINKS.to(url, TOKENS["LAB_READ_TOKEN"]).tools(is_fresh=True))
