"""The review of a role through the browser's door: files, checklist, comments, questions, edits, the proof."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import caller
from portal.audit.models import Event
from portal.kit import canonical
from portal.kit.testing.queries import statements
from portal.notices.models import Notice
from remediation.drafting import roles, schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.drafting.states import Status
from remediation.playbooks.repository.models import Managed, MergedRole, RepositoryState
from remediation.playbooks.states import ProofStatus
from remediation.review import proof_pages
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.review.models import Comment, GateResult, Sheet
from remediation.review.tests.rolework import BACK_OUT, DEFAULTS, HOST, MAIN, draft, files, part, proof, proven

PAGE, EDIT, CHECK = (f"/tickets/INC-1/review{end}" for end in ("", "/edit", "/check"))
CHANGES = "/tickets/INC-1/review/changes"


@pytest.fixture
def remediation(cast: dict[str, Person]) -> Remediation:
    """A draft with a role that waits for its review."""
    incident = review.ticket(cast["engineer"])
    revision = review.drafted(incident, draft())
    remediations.move(revision.remediation, Status.IN_REVIEW, actor=cast["engineer"].at("job"), at=timezone.now())
    return revision.remediation


def as_(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def words(client: Client, url: str = PAGE) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def typed(head: Revision, **changed: str) -> dict[str, Any]:
    """What the form of the edit page sends."""
    from remediation.review import draft_text

    texts = files() | changed
    text = draft_text.without_files(schema.from_text(head.content))
    return {"base_digest": head.digest, "draft": text, "path": list(texts), "file": list(texts.values())}


def head(remediation: Remediation) -> Revision:
    found = remediations.head(remediation)
    assert found
    return found


def test_every_file_is_shown_to_the_letter_and_the_way_back_beside_the_tasks(
    cast: dict[str, Person], remediation: Remediation
) -> None:
    shown = words(as_(cast["reviewer"]))
    for path, text in files().items():
        assert f'id="file-{path}"' in shown
        assert shown.count(f'id="{path}:') == len(text.splitlines())
    pair = shown[shown.index('class="pair"') :]
    assert (
        pair.index(f'id="file-{MAIN}"') < pair.index(f'id="file-{BACK_OUT}"') < pair.index('id="file-tasks/verify.yml"')
    )


def test_what_gates_found_and_what_is_to_be_confirmed_stands_at_its_line(
    cast: dict[str, Person], remediation: Remediation
) -> None:
    finding = {"place": f"role/{MAIN}:14", "text": "The owner is missing.", "mend": "Add owner."}
    GateResult.objects.create(
        revision=head(remediation), gate="role", ruleset="1", has_passed=False, input_digest="d", findings=[finding],
        at=timezone.now(),
    )  # fmt: skip
    shown = words(as_(cast["reviewer"]))
    below = shown[shown.index(f'id="{MAIN}:14"') : shown.index(f'id="{MAIN}:15"')]
    assert "role: The owner is missing." in below
    assert "Add owner." in below
    item = next(each for each in reviews.standing(remediation, at=timezone.now()).checklist if each.item.file == MAIN)
    assert f'href="#{MAIN}:{item.item.line}"' in shown
    as_(cast["reviewer"]).post(f"{PAGE}/tick", {"item": item.item.item, "confirmed": "yes"})
    shown = words(as_(cast["reviewer"]))
    below = shown[shown.index(f'id="{MAIN}:{item.item.line}"') :]
    assert "confirmed by reviewer" in below[: below.index(f'id="{MAIN}:{item.item.line + 1}"')]


def test_an_edit_of_a_file_makes_a_revision_whose_steps_apply_the_new_role_and_keeps_unrelated_ticks(
    cast: dict[str, Person], remediation: Remediation
) -> None:
    client = as_(cast["reviewer"])
    for each in reviews.standing(remediation, at=timezone.now()).checklist:
        client.post(f"{PAGE}/tick", {"item": each.item.item, "confirmed": "yes"})
    changed = files()[DEFAULTS].replace("log_hygiene_maxage_days: 14", "log_hygiene_maxage_days: 7")
    answer = client.post(EDIT, typed(head(remediation), **{DEFAULTS: changed}))
    assert answer.status_code == 302, answer.content.decode()
    saved = schema.from_text(head(remediation).content)
    digest = roles.digest_of("log_hygiene", files() | {DEFAULTS: changed})
    (step,) = saved.steps
    assert schema.parameters_of(step.action) == {"host": HOST, "role": digest, "destroys": True}  # type: ignore[arg-type]
    checklist = reviews.standing(remediation, at=timezone.now()).checklist
    unconfirmed = {each.item.title for each in checklist if each.by is None}
    assert "Find archived logs past their age" in unconfirmed
    assert 0 < len(unconfirmed) < len(checklist)
    shown = words(client)
    assert "Against what the drafter wrote" in shown
    assert "log_hygiene_maxage_days" in shown


def test_a_file_that_is_left_empty_goes_and_one_that_is_added_stays(
    cast: dict[str, Person], remediation: Remediation
) -> None:
    body = typed(head(remediation), **{"meta/main.yml": " \n"})
    body["path"] += ["templates/limits.j2"]
    body["file"] += ["max={{ log_hygiene_journal_max }}\r\n"]
    assert as_(cast["reviewer"]).post(EDIT, body).status_code == 302
    saved = schema.from_text(head(remediation).content).role
    assert saved
    kept = {file.path: file.text for file in saved.files}
    assert "meta/main.yml" not in kept
    assert kept["templates/limits.j2"] == "max={{ log_hygiene_journal_max }}\n"
    assert "taken out" in words(as_(cast["reviewer"]))


def test_files_without_a_role_in_the_text_are_refused_and_nothing_typed_is_lost(
    cast: dict[str, Person], remediation: Remediation
) -> None:
    body = typed(head(remediation), **{MAIN: "- name: Mine\n"})
    body["draft"] = body["draft"][: body["draft"].index("role:")]
    answer = as_(cast["reviewer"]).post(EDIT, body)
    assert answer.status_code == 422
    assert "The text has no role that these files belong to." in answer.content.decode()
    assert "- name: Mine" in answer.content.decode()


def test_the_static_gate_is_asked_while_somebody_types_and_keeps_nothing(
    cast: dict[str, Person], remediation: Remediation
) -> None:
    client = as_(cast["reviewer"])
    good = client.post(CHECK, typed(head(remediation))).json()
    assert good == {"problems": [], "findings": []}
    shell = "- name: Look\n  ansible.builtin.shell: ls\n"
    bad = typed(head(remediation), **{MAIN: files()[MAIN] + "\n" + shell})
    found = client.post(CHECK, bad).json()["findings"]
    assert {(each["file"], each["line"]) for each in found} >= {(MAIN, len(files()[MAIN].splitlines()) + 3)}
    broken = client.post(CHECK, bad | {"draft": "summary: ["}).json()
    assert broken["findings"] == []
    assert "line 1" in broken["problems"][0]
    assert client.post(CHECK, bad | {"draft": "x"}).status_code == 200
    without_scripts = client.post(EDIT, bad | {"check": "yes"}).content.decode()
    assert "nothing is saved yet" in without_scripts
    assert f"Line {len(files()[MAIN].splitlines()) + 3}" in without_scripts
    assert Revision.objects.count() == 1
    assert as_(cast["engineer"]).post(CHECK, bad).status_code == 403


def test_the_editor_has_a_nonce_on_its_own_page_only(cast: dict[str, Person], remediation: Remediation) -> None:
    client = as_(cast["reviewer"])
    assert "'nonce-" in client.get(EDIT)["Content-Security-Policy"]
    assert "'nonce-" not in client.get(PAGE)["Content-Security-Policy"]


def test_a_comment_stands_at_its_line_and_moves_with_it(cast: dict[str, Person], remediation: Remediation) -> None:
    client = as_(cast["approver"])
    line = files()[MAIN].splitlines().index("- name: Limit the size of the journal") + 1
    place = f"{MAIN} line {line}"
    body = {"digest": head(remediation).digest, "place": place, "said": "Why 500M?", "remark": "yes"}
    assert client.post(CHANGES, body).status_code == 302
    comment = Comment.objects.get()
    assert (comment.quote, comment.text) == ("- name: Limit the size of the journal", "Why 500M?")
    assert Event.objects.filter(kind="review.commented").count() == 1
    told = Notice.objects.filter(message__kind="review", message__text__contains="Why 500M?")
    assert [each.person for each in told] == [cast["engineer"]]
    as_(cast["reviewer"]).post(EDIT, typed(head(remediation), **{MAIN: "# One more line.\n" + files()[MAIN]}))
    shown = words(client)
    below = shown[shown.index(f'id="{MAIN}:{line + 1}"') : shown.index(f'id="{MAIN}:{line + 2}"')]
    assert "Why 500M?" in below
    gone = files()[MAIN].replace("- name: Limit the size of the journal", "- name: Cap it")
    as_(cast["reviewer"]).post(EDIT, typed(head(remediation), **{MAIN: gone}))
    shown = words(client)
    assert "and on lines that changed since" in shown
    assert "Why 500M?" in shown
    stale = client.post(CHANGES, body)
    assert stale.status_code == 409
    assert reviews.standing(remediation, at=timezone.now()).objections == []


def test_a_request_for_changes_names_lines_of_files_too(cast: dict[str, Person], remediation: Remediation) -> None:
    place = f"{BACK_OUT} line 2"
    body = {"digest": head(remediation).digest, "remarks": [{"place": place, "comment": "And the owner?"}]}
    answer = caller(cast["approver"]).post("/api/v1/tickets/INC-1/request-changes", body, format="json")
    assert answer.status_code == 200, answer.content
    shown = words(as_(cast["reviewer"]))
    below = shown[shown.index(f'id="{BACK_OUT}:2"') : shown.index(f'id="{BACK_OUT}:3"')]
    assert "And the owner?" in below


def test_comments_come_by_api_as_well(cast: dict[str, Person], remediation: Remediation) -> None:
    url, approver = "/api/v1/tickets/INC-1/comments", caller(cast["approver"])
    body = {"digest": head(remediation).digest, "comments": [{"place": f"{MAIN} line 2", "comment": "Fine."}]}
    assert approver.post(url, body, format="json").status_code == 201
    (shown,) = approver.get(url).json()["items"]
    assert (shown["place"], shown["quote"], shown["comment"], shown["person"]) == (
        f"{MAIN} line 2", files()[MAIN].splitlines()[1].strip(), "Fine.", "approver",
    )  # fmt: skip
    nowhere = {**body, "comments": [{"place": f"{MAIN} line 999", "comment": "?"}]}
    assert approver.post(url, nowhere, format="json").status_code == 422
    assert caller(cast["auditor"]).post(url, body, format="json").status_code == 403


def test_a_senior_is_told_what_it_touches_what_is_kept_and_who_else_manages_it(
    cast: dict[str, Person], remediation: Remediation, settings: Any
) -> None:
    assert "nobody has looked at a role repository" in words(as_(cast["reviewer"]))
    at, known = timezone.now(), files() | {DEFAULTS: "log_hygiene_maxage_days: 30\n"}
    RepositoryState.objects.create(url=settings.ROLE_REPOSITORY.url, commit="c" * 40, looked_at=at)
    content = canonical.text_of({"name": "log_hygiene", "files": known}, version=roles.VERSION)
    MergedRole.objects.create(
        path="roles/log_hygiene", name="log_hygiene", tree="t", content=content, digest="d", seen_at=at
    )
    other = MergedRole.objects.create(path="roles/base", name="base", tree="t", content=content, digest="e", seen_at=at)
    Managed.objects.create(role=other, kind="path", value="/etc/logrotate.conf", file=MAIN, line=7)
    shown = words(as_(cast["reviewer"]))
    asked = shown[shown.index('id="questions"') :]
    assert "log_hygiene_maxage_days: 14" in asked
    assert "/etc/logrotate.conf" in asked
    assert "roles/base/tasks/main.yml:7" in asked
    assert "Against the merged role" in shown
    assert shown.count("As in the merged role.") == len(files()) - 1


def test_the_sheet_holds_the_whole_role(cast: dict[str, Person], remediation: Remediation) -> None:
    from remediation.review import sheets

    stands = reviews.standing(remediation, at=timezone.now())
    text = sheets.page_of(remediation, head(remediation), stands)
    assert roles.part_digest(part())[:12] in text
    assert "SystemMaxUse=" in text
    assert not Sheet.objects.exists()


def test_a_page_with_a_role_costs_the_same_however_long_it_is(
    cast: dict[str, Person], remediation: Remediation
) -> None:
    client = as_(cast["reviewer"])
    client.get(PAGE)
    with statements() as few:
        client.get(PAGE)
    long = {MAIN: files()[MAIN] + "".join(f"\n# Line {n}." for n in range(300)) + "\n"}
    client.post(EDIT, typed(head(remediation), **long))
    Comment.objects.bulk_create(
        Comment(
            remediation=remediation, revision=head(remediation), place=f"{MAIN} line {n}", quote="x", text="y",
            person=cast["approver"], at=timezone.now(),
        ) for n in range(20)
    )  # fmt: skip
    with statements() as many:
        client.get(PAGE)
    assert len(many) <= len(few) + 2


def test_the_proof_of_a_role_that_was_changed_since_says_so(cast: dict[str, Person], remediation: Remediation) -> None:
    """Else whoever signs the merge of the new one reads “held” of the old one."""
    proven(head(remediation), proof(), ProofStatus.HELD, maker=cast["engineer"])
    client = as_(cast["reviewer"])
    assert "of an earlier role" not in words(client)
    client.post(EDIT, typed(head(remediation), **{MAIN: "# One more line.\n" + files()[MAIN]}))
    assert "of an earlier role" in words(client)


def test_a_proof_is_told_task_by_task_and_a_task_that_does_not_converge_is_named() -> None:
    good, bad = proof(), proof(again="changed")
    assert [part.is_wrong for part in proof_pages.parts_of(good.parts)] == [False] * len(good.parts)
    wrong = [part for part in proof_pages.parts_of(bad.parts) if part.is_wrong]
    assert [part.title for part in wrong] == ["Second run"]
    (task,) = [task for task in wrong[0].tasks if task.is_wrong]
    assert (task.task, task.place, task.outcome, task.tone) == ("Append a line", f"{MAIN}:9", "changed", "bad")
    unseen = proof_pages.parts_of(proof(is_unseen=True).parts)
    assert [part.title for part in unseen if part.is_wrong] == ["Second check"]
