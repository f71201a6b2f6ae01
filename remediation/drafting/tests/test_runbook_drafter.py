"""The runbook drafter: what it drafts follows the evidence, and what the evidence does not say it does not draft."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediation.drafting import schema
from remediation.drafting.protocol import Drafted, DraftRequest, NeedsPerson, PastRemediation
from remediation.drafting.runbook_drafter import RunbookDrafter
from remediation.drafting.tests.incidents import log_shippers, numbered, payments, ticket
from remediation.drafting.tests.wordings import WORDINGS, Kind, filled, request_for

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KINDS = list({kind.runbook: kind for kind, _, _ in WORDINGS}.values())


def answer(request: DraftRequest) -> Drafted | NeedsPerson:
    given_answer = RunbookDrafter(lambda: AT).draft(request)
    assert not hasattr(given_answer, "kind")
    return given_answer


def drafted(request: DraftRequest) -> schema.Draft:
    found = answer(request)
    assert isinstance(found, Drafted), found.reasons
    return found.draft


def reasons(request: DraftRequest) -> str:
    found = answer(request)
    assert isinstance(found, NeedsPerson), found.draft.summary
    return " ".join(reason.text for reason in found.reasons)


def said(draft: schema.Draft) -> str:
    """Everything the steps would do, as one text."""
    return " ".join(step.action.model_dump_json() for step in draft.steps)


def parameters(draft: schema.Draft) -> dict[str, str | int | bool]:
    (action,) = (step.action for step in draft.steps)
    assert isinstance(action, schema.OperationAction)
    return schema.parameters_of(action)


def own_words(request: DraftRequest) -> str:
    return "\n".join(passage.text for passage in request.passages())


def needed(kind: Kind, values: Mapping[str, str]) -> list[str]:
    """The values that must appear in what the steps do; the healthy pod must not."""
    names = {"redis-memory-limit": ("host", "to")}.get(kind.runbook, [name for name in values if name != "good"])
    return [values[name] for name in names]


@pytest.mark.parametrize(("kind", "title", "description"), WORDINGS)
def test_unseen_wordings_find_their_runbook_and_the_evidence_fills_it(kind: Kind, title: str, description: str) -> None:
    draft = drafted(request_for(kind, title, description, kind.values))
    assert all(f"runbook {kind.runbook} v" in step.source for step in draft.steps)
    assert [value for value in needed(kind, kind.values) if value not in said(draft)] == []


@pytest.mark.parametrize(("kind", "title", "description"), WORDINGS)
def test_other_evidence_under_the_same_words_gives_other_parameters(kind: Kind, title: str, description: str) -> None:
    draft = drafted(request_for(kind, title, description, kind.others))
    assert [value for value in needed(kind, kind.others) if value not in said(draft)] == []
    for old, new in zip(needed(kind, kind.values), needed(kind, kind.others), strict=True):
        assert old in new or f'"{old}"' not in said(draft)


@pytest.mark.parametrize(("kind", "title", "description"), WORDINGS)
def test_without_the_evidence_a_person_is_asked(kind: Kind, title: str, description: str) -> None:
    request = request_for(kind, title, description, kind.values)
    assert reasons(replace(request, evidence=()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.runbook)
def test_two_different_answers_of_the_evidence_are_a_question(kind: Kind) -> None:
    title, description = next((t, d) for k, t, d in WORDINGS if k is kind)
    request = request_for(kind, title, description, kind.values)
    both = numbered([*filled(kind, kind.values), *filled(kind, kind.others)])
    found = answer(replace(request, evidence=both))
    if kind.runbook == "log-shipper-disk-full":  # several hosts are no contradiction
        assert isinstance(found, Drafted)
        assert found.draft.scope.systems == [kind.values["host"], kind.others["host"]]
    else:
        assert isinstance(found, NeedsPerson)
        assert any("disagrees" in reason.text for reason in found.reasons)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_subset_of_the_evidence_leads_to_a_value_that_stands_nowhere(data: st.DataObject) -> None:
    kind, title, description = data.draw(st.sampled_from(WORDINGS))
    pieces = [*filled(kind, kind.values), *filled(kind, kind.others)]
    kept = data.draw(st.lists(st.sampled_from(pieces), unique=True))
    request = replace(request_for(kind, title, description, kind.values), evidence=numbered(kept))
    found = answer(request)
    if isinstance(found, Drafted):
        for step in found.draft.steps:
            if isinstance(step.action, schema.OperationAction):
                for name, value in schema.parameters_of(step.action).items():
                    assert str(value) in own_words(request), name
            else:
                assert step.action.system in own_words(request)


@given(
    before=st.integers(0, 50),
    after=st.integers(1, 50),
    name=st.from_regex(r"[a-z][a-z0-9]{2,10}(-[a-z0-9]{1,8}){0,2}", fullmatch=True),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_numbers_and_names_they_are_the_ones_of_the_evidence(before: int, after: int, name: str) -> None:
    table = f"{name}   1/{before}   {before}   1   41d"
    request = ticket(
        "Secondary pool under-scaled",
        "Pods unhealthy at peak.",
        ("alert", "PoolSaturated cluster=lab-k8s"),
        ("command", table, f"kubectl get deploy {name} -n payments"),
        ("note", f"It needs {after} replicas."),
    )
    if before == after:
        assert "must differ" in reasons(request)
    else:
        expected = {"deployment": name, "from_replicas": before, "to_replicas": after}
        assert expected.items() <= parameters(drafted(request)).items()


def test_the_small_pool_is_scaled_in_one_step_with_every_value_cited() -> None:
    draft = drafted(payments())
    assert parameters(draft) == {
        "cluster": "lab-k8s",
        "namespace": "payments",
        "deployment": "payments-secondary",
        "from_replicas": 2,
        "to_replicas": 6,
    }
    assert draft.steps[0].rollback.says == "Scale payments-secondary back to 2 pods."
    assert draft.steps[0].source == (
        "runbook scale-deployment v1, cluster from E1, namespace from E2, deployment from E2,"
        " from_replicas from E2, to_replicas from E3"
    )
    assert draft.confidence_percent == 100
    assert all(fact.evidence for fact in draft.facts)


def test_the_log_shippers_get_guarded_commands_host_by_host() -> None:
    draft = drafted(log_shippers())
    assert draft.scope.systems == ["log-ship-1", "log-ship-2"]
    assert draft.scope.allowed_changes == ["command"]
    systems = [step.action.system for step in draft.steps if isinstance(step.action, schema.CommandAction)]
    assert [system for system, _ in itertools.groupby(systems)] == ["log-ship-1", "log-ship-2"]
    for step in draft.steps:
        assert step.preflight.command
        assert step.verify.command
        assert step.rollback.command
        assert step.review
    assert draft.confidence_percent < 100, "the second host is named by the ticket only, not by evidence"


def test_nothing_is_purged_when_no_disk_with_room_is_in_the_evidence() -> None:
    request = log_shippers()
    lines = [replace(piece, text=piece.text.replace("/dev/vdb1", "tmpfs")) for piece in request.evidence]
    draft = drafted(replace(request, evidence=tuple(lines)))
    assert "vacuum" not in said(draft)
    assert any("Left out" in guess for guess in draft.guesses)
    assert "vacuum" in said(drafted(request))


def test_a_value_that_only_the_description_says_costs_confidence() -> None:
    request = payments(note="The pool is too small.")
    request = replace(request, description=f"{request.description} It needs 6 replicas.")
    draft = drafted(request)
    assert "to_replicas from the description" in draft.steps[0].source
    assert draft.confidence_percent == drafted(payments()).confidence_percent * 4 // 5


@pytest.mark.parametrize(
    "note",
    [
        "There is room for them: 6 pods fit.",
        "It may need 6 pods or so.",
        "It does not need 6 pods.",
        "Please don't scale it to 6 pods.",
        "Six pods should do; 2 pods are there.",
    ],
)
def test_what_is_not_asked_for_is_not_a_value_and_what_is_missing_is_named(note: str) -> None:
    text = reasons(payments(note=note))
    assert "The evidence does not say how many pods the deployment should have." in text


UNRELATED = [
    ("Invoices show the wrong VAT", "Customers in Norway are charged twice since Monday.", "server"),
    ("Printer on the third floor jams", "Paper gets stuck in tray two.", "server"),
    ("Badge reader does not open the door", "Facility management was told.", "security"),
    ("Typo on the landing page", "It says Wellcome.", "kubernetes"),
    ("Question about holiday calendars", "Where can I find them?", "database"),
    ("New laptop for Robin", "Starts next Monday.", "network"),
]


@pytest.mark.parametrize(("title", "description", "category"), UNRELATED)
def test_what_no_runbook_answers_goes_to_a_person(title: str, description: str, category: str) -> None:
    assert reasons(replace(payments(), title=title, description=description, category=category)) == (
        "No runbook fits this ticket."
    )


def test_two_runbooks_that_fit_equally_well_are_a_question() -> None:
    request = payments()
    scale = next(p for p in request.procedures if p.front.slug == "scale-deployment")
    twin = scale.model_copy(update={"front": scale.front.model_copy(update={"slug": "twin", "title": "A twin"})})
    text = reasons(replace(request, procedures=(scale, twin)))
    assert "fit equally well" in text
    assert "A twin" in text


def past(request: DraftRequest, **changes: object) -> PastRemediation:
    remembered = PastRemediation(
        ticket_key="T-0",
        title=request.title,
        draft=drafted(request),
        outcome="succeeded",
        feedback=None,
        similarity_percent=82,
        is_success=True,
    )
    return replace(remembered, **changes)  # type: ignore[arg-type]


def test_a_signed_remediation_is_drawn_up_again_with_new_values() -> None:
    request = payments(note="Load test asks for 9 replicas.")
    draft = drafted(replace(request, past=(past(payments()),)))
    assert parameters(draft)["to_replicas"] == 9
    assert draft.steps[0].source.startswith("signed remediation of T-0, cluster from E1")
    assert draft.confidence_percent == 82


def test_two_steps_that_would_become_the_same_are_not_drawn_up_again() -> None:
    once = past(payments())
    twice = replace(once, draft=once.draft.model_copy(update={"steps": [*once.draft.steps, *once.draft.steps]}))
    draft = drafted(replace(payments(), past=(twice,)))
    assert draft.steps[0].source.startswith("runbook scale-deployment")
    assert len(draft.steps) == 1


def test_nothing_is_scaled_to_nothing_because_somebody_wrote_zero() -> None:
    request = payments(note="At night the secondary pool needs 0 replicas.")
    for asked in (request, replace(request, past=(past(payments()),))):
        assert "how many pods the deployment should have: 0 (E3). A person has to want that." in reasons(asked)


@pytest.mark.parametrize(
    "remembered",
    [
        past(payments(), is_success=False, outcome="rolled back"),
        past(payments(), similarity_percent=40),
        past(log_shippers()),
    ],
    ids=["failed", "not alike", "commands"],
)
def test_what_failed_or_is_not_alike_or_was_typed_by_hand_is_not_drawn_up_again(remembered: PastRemediation) -> None:
    assert "runbook scale-deployment" in drafted(replace(payments(), past=(remembered,))).steps[0].source


def test_a_past_remediation_never_lends_its_values() -> None:
    request = replace(payments(note="There is room for them: 6 pods fit."), past=(past(payments()),))
    assert "how many pods the deployment should have" in reasons(request)
