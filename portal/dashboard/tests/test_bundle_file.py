"""The file proves itself: no byte changes unnoticed, and what does not hold together is named."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from portal.audit import sealing
from portal.dashboard.bundle import making, verify_bundle
from portal.dashboard.bundle.verify_bundle import MANIFEST, SIGNATURE, NotABundle, files_of, zip_of
from portal.dashboard.tests.bundles import (
    PUBLIC,
    STRANGER,
    checked,
    forged,
    resolved_incident,
    with_seal_key,
)
from portal.kit import canonical
from remediation.connectors.testing import LabProcess

_made: list[bytes] = []
many = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Change = Callable[[Any], None]


@pytest.fixture
def bundle(request: pytest.FixtureRequest) -> bytes:
    """One real bundle for all tests of this module."""
    if not _made:
        _made.append(request.getfixturevalue("fresh_bundle"))
    return _made[0]


@pytest.fixture
def fresh_bundle(committed_db: str, lab: LabProcess, settings: Settings, tmp_path: Path) -> bytes:
    with_seal_key(settings, tmp_path)
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.RUN_SETTLE_SECONDS = 0.7
    ticket, _ = resolved_incident()
    at = timezone.now()
    data = making.made(ticket.pk, at=at, largest=10**8)
    assert making.made(ticket.pk, at=at, largest=10**8) == data, "the same rows give the same bytes"
    return data


def test_everything_fits_and_is_said_in_words(bundle: bytes) -> None:
    fits, said = checked(bundle)
    assert fits, said
    assert said.count("ok ") == 10
    assert "Every event is covered by a signed seal of the audit trail" in said


def test_the_bundle_holds_what_the_ai_saw_what_was_signed_and_what_ran(bundle: bytes) -> None:
    files = files_of(bundle)
    read = {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}
    votes = read["votes.json"]
    assert len(votes) == 2
    assert {f"sheets/{vote['sheet']}" for vote in votes} == {
        name.rpartition(".")[0] for name in files if name.startswith("sheets/")
    }
    assert [output["phase"] for output in read["runs.json"][0]["outputs"]] == ["preflight", "action", "verify"]
    assert read["feedback.json"][0]["comment"] == "Six pods, no alarm since."
    assert {"decisions.json", "gates.json", "attempts.json", "certificates.json", "index.html"} <= files.keys()
    assert read["decisions.json"][0]["reasoning"]
    [attempt] = read["attempts.json"]
    assert (attempt["outcome"], attempt["drafter"]) == ("drafted", "runbook")
    assert "payments-secondary" in attempt["prompt"]
    assert "hunter2" not in attempt["prompt"], "what the drafter saw had no secrets in it"
    assert attempt["answer"]
    page = files["index.html"].decode()
    assert "Six pods, no alarm since." in page
    assert "<script" not in page.lower()
    assert not re.search(r"(src|href)=\"(?!#)", page), "the page needs no other file"


def test_the_trail_s_own_check_of_a_proof_says_the_same(bundle: bytes) -> None:
    trail = json.loads(files_of(bundle)["trail.json"])
    assert list(sealing.faults_of(trail, keys=frozenset({PUBLIC}))) == []
    trail["events"][3]["kind"] = "ticket.closed"
    assert list(sealing.faults_of(trail, keys=frozenset({PUBLIC})))


def test_the_program_needs_nothing_but_python_and_cryptography(bundle: bytes, tmp_path: Path) -> None:
    files = files_of(bundle)
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(files["verify_bundle.py"]))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}
    program, file, key = tmp_path / "verify_bundle.py", tmp_path / "INC-1.zip", tmp_path / "keys"
    program.write_bytes(files["verify_bundle.py"])
    file.write_bytes(bundle)
    key.write_text(f"{PUBLIC}\n")

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(program), str(file), *options]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)

    told = run("--key", str(key))
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.endswith("Everything fits.\n")
    assert run("--key", STRANGER.public_key().public_bytes_raw().hex()).returncode == 1
    unsure = run()
    assert unsure.returncode == 0
    assert "NO KEY WAS GIVEN" in unsure.stdout
    file.write_bytes(bundle[:-1])
    assert run("--key", PUBLIC).returncode == 1


@many
@given(data=st.data())
def test_any_changed_byte_is_found(bundle: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(bundle) - 1))
    bits = data.draw(st.integers(1, 255))
    changed = bytearray(bundle)
    changed[at] ^= bits
    assert not checked(bytes(changed))[0]


@many
@given(data=st.data())
def test_bytes_put_in_or_cut_out_are_found(bundle: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(bundle)))
    end = data.draw(st.integers(start, min(len(bundle), start + 64)))
    put_in = data.draw(st.binary(max_size=64))
    changed = bundle[:start] + put_in + bundle[end:]
    assert changed == bundle or not checked(changed)[0]


@many
@given(data=st.data())
def test_a_file_that_is_gone_new_renamed_or_exchanged_is_found(bundle: bytes, data: st.DataObject) -> None:
    files = files_of(bundle)
    one, other = data.draw(st.permutations(sorted(files)))[:2]
    how = data.draw(st.sampled_from(["remove", "add", "rename", "exchange", "append"]))
    if how == "remove":
        del files[one]
    elif how == "add":
        files[data.draw(st.from_regex(r"[a-z]{1,9}\.json", fullmatch=True))] = data.draw(st.binary(max_size=99))
    elif how == "rename":
        files[f"x{one.replace('/', '-')}"] = files.pop(one)
    elif how == "exchange":
        files[one], files[other] = files[other], files[one]
    else:
        files[one] += data.draw(st.binary(min_size=1, max_size=9))
    same = files == files_of(bundle)
    assert same or not checked(zip_of(files))[0]


def _zip(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (_zip([("bomb.json", b"0" * 10_000_000)], zipfile.ZIP_DEFLATED), "not written as bundles are"),
        (_zip([("../../etc/cron.d/x", b"")]), "no bundle does"),
        (_zip([("/etc/passwd", b"")]), "no bundle does"),
        (_zip([("a/b/../c", b"")]), "no bundle does"),
        (_zip([("C:\\x", b"")]), "no bundle does"),
        (_zip([("a.json", b"1")]), "not written as bundles are"),
        (_zip([]), "not written as bundles are"),
        (b"", "not written as bundles are"),
        (b"PK\x03\x04", "not written as bundles are"),
    ],
)
def test_other_archives_are_refused_without_being_unpacked(archive: bytes, why: str) -> None:
    with pytest.raises(NotABundle, match=why):
        files_of(archive)


def test_a_name_that_stands_for_two_files_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = _zip([("a.json", b"1"), ("a.json", b"2")])
    with pytest.raises(NotABundle, match="twice"):
        files_of(archive)


def test_a_repacked_bundle_is_refused_though_its_files_are_the_same(bundle: bytes) -> None:
    files = files_of(bundle)
    assert not checked(_zip(sorted(files.items())))[0]
    assert not checked(_zip(sorted(files.items()), zipfile.ZIP_DEFLATED))[0]


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_]{1,9}", fullmatch=True), st.binary(max_size=99), min_size=1))
def test_what_is_zipped_reads_back_and_other_programs_read_it_too(files: dict[str, bytes]) -> None:
    packed = zip_of(files)
    assert files_of(packed) == files
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_bundle_signed_by_somebody_else_is_refused_though_it_is_whole(bundle: bytes) -> None:
    strangers = forged(bundle, "feedback.json", lambda rows: rows[0].update(comment="It broke."), key=STRANGER)
    fits, said = checked(strangers)
    assert not fits
    assert "signed with another key" in said


def plan_of(stage: str, plans: list[dict[str, Any]]) -> dict[str, Any]:
    return next(plan for plan in plans if plan["stage"] == stage)


def _other_text(plans: list[dict[str, Any]]) -> None:
    plan = plan_of("rollout", plans)
    plan["content"] = plan["content"].replace("payments-secondary", "payments-primary")


def _other_steps(plans: list[dict[str, Any]]) -> None:
    plan = plan_of("rollout", plans)
    plan["content"] = plan["content"].replace("payments-secondary", "payments-primary")
    plan["digest"] = canonical.digest_of(plan["content"])


def _by_maker(votes: list[dict[str, Any]], plans: list[dict[str, Any]]) -> None:
    maker = plan_of("merge", plans)["makers"][0]
    votes[0]["person_id"] = votes[0]["principal_id"] = maker


def _all_machines(people: list[dict[str, Any]]) -> None:
    for person in people:
        person["kind"] = "machine"


CHANGES: list[tuple[str, str, Change, str]] = [
    ("the text of a plan", "plans.json", _other_text, "is not the one that was signed"),
    ("text and digest of a plan", "plans.json", _other_steps, "has other steps than the merge plan"),
    ("the list of makers", "plans.json", lambda rows: rows[0].update(makers=[]), "who made it"),
    ("the quorum", "plans.json", lambda rows: rows[0].update(needed=2), "has not the votes it needs"),
    ("a needed group", "plans.json", lambda rows: rows[1].update(needed_groups=[999]), "has not the votes it needs"),
    ("the merge plan", "plans.json", lambda rows: rows[1].update(merge_plan_id=None), "does not name the merge plan"),
    ("a revision", "revisions.json", lambda rows: rows[0].update(content="x\n{}"), "is not the one that was kept"),
    ("all revisions", "revisions.json", lambda rows: rows.clear(), "was made of is missing"),
    (
        "the evidence",
        "ticket.json",
        lambda row: row["evidence"][0].update(text="fine"),
        "is not the evidence that plan",
    ),
    ("the digest of a vote", "votes.json", lambda rows: rows[0].update(digest="0" * 64), "names another text"),
    ("the sheet of a vote", "votes.json", lambda rows: rows[0].update(sheet="0" * 64), "does not show this plan"),
    ("the sheets", "votes.json", lambda rows: rows[0].update(sheet=rows[1]["sheet"]), "does not show this plan"),
    ("a vote that expired", "votes.json", lambda rows: rows[0].update(expires_at=rows[0]["at"]), "has not the votes"),
    ("a vote that is gone", "votes.json", lambda rows: rows.pop(0), "is in the trail and gone"),
    (
        "a vote nobody gave",
        "votes.json",
        lambda rows: rows.append({**rows[1], "person_id": 999}),
        "does not tell of the vote",
    ),
    ("a vote cast twice", "votes.json", lambda rows: rows.append(rows[0]), "voted twice"),
    (
        "a vote of a machine",
        "people.json",
        _all_machines,
        "without a certificate",
    ),
    ("a plan that nobody claimed", "plans.json", lambda rows: rows[1].update(status="signed"), "signed and claimed"),
    ("a step that is gone", "runs.json", lambda rows: rows[0]["steps"].clear(), "are not the steps of its plan"),
    (
        "a step left out",
        "runs.json",
        lambda rows: rows[0]["steps"][0].update(status="skipped"),
        "was left out, and nobody signed that",
    ),
    ("a pre-flight", "runs.json", lambda rows: rows[0]["outputs"].pop(0), "acted before its pre-flight held"),
    ("a verify", "runs.json", lambda rows: rows[0]["outputs"].pop(), "no verify held"),
    (
        "how a step ended",
        "runs.json",
        lambda rows: rows[0]["steps"][0].update(status="failed"),
        "another end of step 1",
    ),
    (
        "an output elsewhere",
        "runs.json",
        lambda rows: rows[0]["outputs"][0].update(step_id=0),
        "its plan does not have",
    ),
    (
        "who did something",
        "trail.json",
        lambda trail: trail["events"][0].update(actor_name="mallory"),
        "is not covered",
    ),
    ("a body", "trail.json", lambda trail: trail["events"][0].update(body="x\n{}"), "is not what was recorded"),
    ("a seal", "trail.json", lambda trail: trail["seals"][0].update(root="0" * 64), "The signature under seal 1"),
    ("the key of a seal", "trail.json", lambda trail: trail["seals"][0].update(key="0" * 64), "with another key"),
    ("the events", "trail.json", lambda trail: trail["events"].clear(), "does not tell that plan"),
    ("the form of a file", "votes.json", lambda rows: rows[0].clear(), "not in the form of a bundle"),
]


@pytest.mark.parametrize(
    ("name", "change", "complaint"), [each[1:] for each in CHANGES], ids=[each[0] for each in CHANGES]
)
def test_not_even_the_holder_of_the_key_changes_what_happened(
    bundle: bytes, name: str, change: Change, complaint: str
) -> None:
    fits, said = checked(forged(bundle, name, change))
    assert not fits
    assert complaint in said


def test_a_vote_of_a_maker_is_found_though_everything_else_fits(bundle: bytes) -> None:
    plans = json.loads(files_of(bundle)["plans.json"])
    fits, said = checked(forged(bundle, "votes.json", lambda votes: _by_maker(votes, plans)))
    assert not fits
    assert "is by somebody who may not sign it" in said


NOON, ONE, TWO = (f"2026-05-04T1{hour}:00:00.000000Z" for hour in range(2, 5))
TEXT = 'countersign.plan/1\n{"stage":"rollout"}'
WORDS = {"content": TEXT, "digest": canonical.digest_of(TEXT), "excluded": [], "needed": 1, "needed_groups": []}
MADE = {
    **WORDS,
    "subject_id": 9,
    "valid_until": TWO,
    "risk": "safe_write",
    "stage": "rollout",
    "status": "open",
    "status_at": NOON,
}
CAST = {"digest": WORDS["digest"], "sheet": "", "groups": [], "at": NOON, "expires_at": TWO, "runs_from": None}


def by_machine(**changes: Any) -> list[str]:
    """What is wrong with a machine's vote under a certificate; `plans__risk` and the like change the first row."""
    tables: dict[str, list[dict[str, Any]]] = {
        "people": [{"id": 1, "kind": "machine"}, {"id": 2, "kind": "human"}],
        "plans": [{**MADE, "id": 1}, {**MADE, "id": 2, "status": "signed", "stage": "grant", "subject_id": 1}],
        "certificates": [{"id": 1, "plan_id": 2, "granted_at": NOON, "expires_at": TWO, "revoked_at": None}],
        "votes": [
            {**CAST, "plan_id": 1, "person_id": 1, "principal_id": 1, "certificate_id": 1},
            {**CAST, "plan_id": 2, "person_id": 2, "principal_id": 2, "certificate_id": None},
        ],
    }
    for name, value in changes.items():
        table, _, column = name.partition("__")
        tables[table][0][column] = value
    files = {f"{name}.json": json.dumps(rows).encode() for name, rows in tables.items()}
    return list(verify_bundle.vote_faults(verify_bundle.Bundle(files, frozenset())))


def test_a_machine_signs_under_a_certificate_that_somebody_granted() -> None:
    assert by_machine() == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"votes__certificate_id": None}, "without a certificate"),
        ({"certificates__granted_at": None}, "without a certificate"),
        ({"certificates__granted_at": ONE}, "was not in force"),
        ({"certificates__expires_at": NOON}, "was not in force"),
        ({"certificates__revoked_at": NOON}, "was not in force"),
        ({"certificates__plan_id": 1}, "that nobody granted"),
        ({"certificates__plan_id": None}, "that nobody granted"),
        ({"plans__risk": "critical_write"}, "the plan is critical"),
        ({"plans__risk": "unheard_of"}, "the plan is critical"),
    ],
)
def test_a_machine_signs_nothing_else(changes: dict[str, Any], complaint: str) -> None:
    assert complaint in " ".join(by_machine(**changes))


def test_bodies_that_retention_dropped_are_no_fault_and_are_told(bundle: bytes) -> None:
    def drop(trail: dict[str, Any]) -> None:
        for event in trail["events"]:
            event["body"] = None

    fits, said = checked(forged(bundle, "trail.json", drop))
    assert fits, said
    assert "Retention dropped bodies" in said


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b'{"files": 3}', b"\xff"])
def test_a_manifest_that_is_none_is_a_fault_and_no_crash(bundle: bytes, manifest: bytes) -> None:
    files = files_of(bundle)
    files[MANIFEST] = manifest
    assert not checked(zip_of(files))[0]
    del files[SIGNATURE]
    assert not checked(zip_of(files))[0]


def test_what_cannot_be_made_says_why(committed_db: str, lab: LabProcess, settings: Settings, tmp_path: Path) -> None:
    from portal.kit.refusals import Refused

    ticket, _ = resolved_incident()
    settings.SEAL_KEY = ""
    with pytest.raises(Refused, match="has no SEAL_KEY"):
        making.made(ticket.pk, at=timezone.now(), largest=10**8)
    with_seal_key(settings, tmp_path)
    with pytest.raises(Refused, match="1,000 are the most"):
        making.made(ticket.pk, at=timezone.now(), largest=1000)
