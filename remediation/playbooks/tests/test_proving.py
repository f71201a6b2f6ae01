"""Proofs on a folder of the lab, by real plays: a role that holds, one that lies, and plays that are stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediation.drafting import roles
from remediation.playbooks import hosts, labhosts, plays, prooftext, provider, proving
from remediation.playbooks.models import Proof
from remediation.playbooks.shapes import Facts, Kind, Outcome, Played, TaskResult
from remediation.playbooks.tests import small_roles

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PLAYS_OFTEN = pytest.mark.skipif(os.environ.get("TEST_HOSTS") != "all", reason="make test-hosts plays all of them")


@pytest.fixture
def host(tmp_path: Path) -> hosts.Host:
    """A host of the lab."""
    labhosts.create_lab_folder(tmp_path / "lab-1", "lab-1", at=NOW)
    return hosts.Host("lab-1", hosts.Folder(tmp_path / "lab-1"))


def proven(host: hosts.Host, files: Mapping[str, str], heard: list[tuple[str, TaskResult]]) -> prooftext.Proof:
    """The proof of a small role."""
    return proving.prove(
        small_roles.NAME,
        files,
        role=roles.digest_of(small_roles.NAME, files),
        scope=small_roles.SCOPE,
        host=host,
        now=lambda: NOW,
        on_event=lambda title, event: heard.append((title, event)),
    )


def test_a_role_that_converges_and_can_be_undone_is_proven(host: hosts.Host, tmp_path: Path) -> None:
    heard: list[tuple[str, TaskResult]] = []
    proof = proven(host, small_roles.GOOD, heard)
    assert (proof.holds, proof.reasons, proof.remains) == (True, (), ())
    assert [(part.title, part.changed) for part in proof.parts] == [
        (proving.CHECK, 2),
        (proving.APPLY, 2),
        (proving.SECOND_CHECK, 0),
        (proving.SECOND_RUN, 0),
        (proving.VERIFY, 0),
        (proving.BACK_OUT, 1),
    ]
    assert proof.facts
    assert (proof.facts.distribution, proof.facts.service_manager) == ("Debian", "systemd")
    assert proof.states["before"] == proof.states["after the check"] == proof.states["after the back-out"]
    assert proof.states["applied"] == proof.states["after the second run"] != proof.states["before"]
    assert proof.versions["ansible-core"] == "2.19.14"
    assert str(tmp_path) not in prooftext.text_of(proof)
    assert prooftext.read(prooftext.text_of(proof)) == proof

    applied = [event for title, event in heard if title == proving.APPLY and event.file]
    assert [(event.task, event.outcome) for event in applied] == [
        ("Write the message", Outcome.RUNNING),
        ("Write the message", Outcome.CHANGED),
        ("Restart cron", Outcome.RUNNING),
        ("Restart cron", Outcome.CHANGED),
    ]
    assert "+Kept by its role." in applied[1].diff
    assert not (tmp_path / "lab-1/etc/motd").exists()
    assert (tmp_path / "lab-1/run/lab/journal").read_text() == "restart cron.service\n"


@PLAYS_OFTEN
def test_a_role_that_calls_its_change_none_is_found_out_and_undone(host: hosts.Host, tmp_path: Path) -> None:
    files = small_roles.changed(main="---\n" + small_roles.LIE.lstrip())
    proof = proven(host, files, [])
    assert not proof.holds
    assert [part.changed for part in proof.parts] == [0, 0, 0, 0, 0, 1]
    assert len(proof.reasons) == 1
    assert "reports no change and has made one: /etc/motd was file" in proof.reasons[0]
    assert proof.remains == ()
    assert not (tmp_path / "lab-1/etc/motd").exists()


@PLAYS_OFTEN
def test_a_role_that_is_there_already_is_not_taken_away(host: hosts.Host, tmp_path: Path) -> None:
    assert play(host, Kind.APPLY, small_roles.GOOD).error == ""
    proof = proven(host, small_roles.GOOD, [])
    assert (proof.holds, proof.reasons, proof.remains) == (False, (proving.ALREADY,), ())
    assert (tmp_path / "lab-1/etc/motd").exists()


@PLAYS_OFTEN
def test_a_way_back_that_has_begun_is_played_to_its_end_under_a_stop(host: hosts.Host, tmp_path: Path) -> None:
    heard: list[str] = []
    proof = proving.prove(
        small_roles.NAME,
        small_roles.GOOD,
        role="0" * 64,
        scope=small_roles.SCOPE,
        host=host,
        now=lambda: NOW,
        on_event=lambda title, _: heard.append(title),
        is_to_stop=lambda: proving.BACK_OUT in heard,
    )
    assert (proof.holds, proof.reasons, proof.remains) == (True, (), ())
    assert not (tmp_path / "lab-1/etc/motd").exists()


@PLAYS_OFTEN
def test_what_people_forbid_in_the_middle_ends_a_proof_with_its_way_back(host: hosts.Host, tmp_path: Path) -> None:
    answers = iter(["", "The plan is void."])
    proof = proving.prove(
        small_roles.NAME,
        small_roles.GOOD,
        role="0" * 64,
        scope=small_roles.SCOPE,
        host=host,
        now=lambda: NOW,
        why_not=lambda: next(answers),
    )
    assert (proof.holds, proof.reasons, proof.remains) == (False, ("The plan is void.",), ())
    assert [part.title for part in proof.parts] == [proving.CHECK, proving.APPLY, proving.BACK_OUT]
    assert not (tmp_path / "lab-1/etc/motd").exists()


def test_what_a_check_leaves_out_is_named_by_task_file_and_line(host: hosts.Host) -> None:
    played = play(host, Kind.CHECK, small_roles.changed(main=small_roles.COPY + small_roles.APPEND))
    (skipped,) = played.skipped_by_check
    assert (skipped.task, skipped.place) == ("Append to the message", "tasks/main.yml:11")


def test_a_play_that_is_stopped_says_so_and_a_host_that_is_not_there_is_said(host: hosts.Host, tmp_path: Path) -> None:
    played = plays.play([Kind.APPLY], name=small_roles.NAME, files=small_roles.GOOD, host=host, is_to_stop=lambda: True)
    assert (played.is_stopped, played.error) == (True, "It was stopped.")
    nowhere = hosts.Host("lab-2", hosts.Folder(tmp_path / "lab-2"))
    assert "is not there: lab-2" in play(nowhere, Kind.APPLY, small_roles.GOOD).error


def play(host: hosts.Host, kind: Kind, files: Mapping[str, str]) -> Played:
    """One kind of play of a small role."""
    return plays.play([kind], name=small_roles.NAME, files=files, host=host, scope=small_roles.SCOPE)


def test_a_stop_before_anything_was_applied_leaves_nothing_behind(host: hosts.Host) -> None:
    proof = proving.prove(
        small_roles.NAME,
        small_roles.GOOD,
        role="0" * 64,
        scope=small_roles.SCOPE,
        host=host,
        now=lambda: NOW,
        is_to_stop=lambda: True,
    )
    assert (proof.holds, proof.parts, proof.remains) == (False, (), ())
    assert proof.reasons == ("First check: It was stopped.",)


def test_a_host_that_is_not_like_the_canary_is_told_by_what_differs() -> None:
    facts = Facts("Debian", "12.8", "3.11.2", "systemd", "x86_64")
    proof = prooftext.read(prooftext.text_of(_proof(facts)))
    assert proving.unlike(Facts("Debian", "12.11", "3.11.9", "systemd", "x86_64"), proof) == []
    assert proving.unlike(Facts("Debian", "13.1", "3.11.2", "systemd", "aarch64"), proof) == [
        "It runs Debian 13; the role was proven with Debian 12.",
        "Its architecture is aarch64; the role was proven with x86_64.",
    ]
    assert proving.unlike(None, proof) == ["What the host is like is not known."]


def test_a_host_is_as_proven_if_it_is_like_the_canary_of_one_proof_of_the_role() -> None:
    """A ticket that comes again has the same role proven again: that proof says nothing against the one before it."""
    twelve, thirteen = (Facts("Debian", version, "3.11.2", "systemd", "x86_64") for version in ("12.8", "13.1"))
    role = provider.Known(
        small_roles.NAME,
        "0" * 64,
        small_roles.GOOD,
        small_roles.SCOPE,
        [Proof(text=prooftext.text_of(_proof(each))) for each in (thirteen, twelve)],
    )
    assert provider.unlike(twelve, role) == provider.unlike(thirteen, role) == []
    assert provider.unlike(Facts("Debian", "11.1", "3.11.2", "systemd", "x86_64"), role) == [
        "It runs Debian 11; the role was proven with Debian 13."
    ]


def _proof(facts: Facts) -> prooftext.Proof:
    return prooftext.Proof(
        host="lab-1",
        is_lab=True,
        name=small_roles.NAME,
        role="0" * 64,
        holds=True,
        reasons=(),
        remains=(),
        parts=(),
        facts=facts,
        inventory="",
        versions={},
        states={},
        started_at=NOW.isoformat(),
        ended_at=NOW.isoformat(),
    )


def test_the_lab_keeps_what_would_have_happened_to_its_units(host: hosts.Host, tmp_path: Path) -> None:
    units = json.loads((tmp_path / "lab-1/run/lab/units.json").read_text())
    assert units["systemd-journald.service"]["ActiveState"] == "active"
    again = datetime(2027, 1, 1, tzinfo=UTC)
    (tmp_path / "lab-1/etc/logrotate.conf").write_text("changed\n")
    labhosts.create_lab_folder(tmp_path / "lab-1", "lab-1", at=again)
    assert (tmp_path / "lab-1/etc/logrotate.conf").read_text() == "changed\n"


def test_a_host_of_the_lab_that_was_begun_and_left_is_made_anew(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(labhosts, "_log", _no_room)
        with pytest.raises(OSError, match="no room"):
            labhosts.create_lab_folder(tmp_path / "lab-1", "lab-1", at=NOW)
    labhosts.create_lab_folder(tmp_path / "lab-1", "lab-1", at=NOW)
    assert (tmp_path / "lab-1/var/log/syslog").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["lab-1"]


def _no_room(*_: object) -> None:
    raise OSError("no room")
