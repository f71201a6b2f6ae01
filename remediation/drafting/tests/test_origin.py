"""What wrote a draft is kept with it, and every change of drafter, model, prompt or runbook shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal.jobs.testing import drain
from portal.kit.actors import system
from remediation.drafting import origin, schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Attempt, Drafter, Revision
from remediation.drafting.origin import Origin
from remediation.knowledge import services as knowledge
from remediation.knowledge.models import Runbook
from remediation.review import testing as review
from remediation.tickets.services import NewEvidence

AT = timezone.now()
BOOKS = {"scale-deployment": "a" * 64}
CLAUDE = Origin("claude", "claude-sonnet-5-5", "countersign.prompt/1+0123456789ab", BOOKS)
NAMED = Origin("runbook", "", "countersign.runbook-drafter/1", BOOKS)

origins = st.builds(
    Origin,
    drafter=st.sampled_from(["claude", "runbook"]),
    model=st.text(st.characters(categories=["L", "Nd"]), max_size=9),
    prompt=st.text(st.characters(categories=["L", "Nd"]), max_size=9),
    playbooks=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1" * 64, "2" * 64])),
)


@given(origins, origins)
def test_two_origins_differ_exactly_where_their_fingerprints_do(one: Origin, other: Origin) -> None:
    assert bool(origin.changes(one, other)) == (one.digest != other.digest)
    assert origin.read(one.text).digest == one.digest


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (replace(CLAUDE, model="claude-next"), "The model was claude-sonnet-5-5 and is claude-next."),
        (replace(CLAUDE, drafter="runbook"), "The drafter was claude and is runbook."),
        (replace(CLAUDE, prompt="other"), "The prompt was countersign.prompt/1+0123456789ab and is other."),
        (replace(CLAUDE, playbooks={"scale-deployment": "b" * 64}), "The runbook scale-deployment changed."),
        (replace(CLAUDE, playbooks={}), "The runbook scale-deployment is no longer used."),
        (replace(CLAUDE, playbooks={**BOOKS, "other": "c" * 64}), "The runbook other is new."),
    ],
)
def test_a_change_is_said_in_words(after: Origin, says: str) -> None:
    assert origin.changes(CLAUDE, after) == [says]


def test_the_operations_of_a_draft_are_named_once_and_in_order() -> None:
    scale, command = review.scale()["steps"][0], review.COMMAND_STEP
    draft = schema.parse(review.scale(steps=[scale, command, scale]))
    assert origin.action_of(origin.operations_of(draft)) == "scale_deployment+command"


def evidence() -> list[NewEvidence]:
    shown = "NAME READY\npayments-secondary   2/2     2            2           41d"
    wish = "Load test figures: at this traffic payments-secondary needs 6 replicas to carry the load."
    kubectl = "kubectl --context lab-k8s -n payments get deploy payments-secondary"
    return [NewEvidence("command", shown, AT, kubectl), NewEvidence("note", wish, AT)]


@pytest.mark.django_db
def test_a_drafter_s_revision_remembers_who_wrote_it_and_from_which_runbooks() -> None:
    review.world()
    knowledge.load(AT)
    cast = review.people()
    review.ticket(cast["engineer"], evidence=evidence(), affected_systems=["payments-secondary"])
    results = drain("drafting")
    wrote = origin.read(Revision.objects.get().origin)
    books = dict(Runbook.objects.values_list("slug", "digest"))
    assert (wrote.drafter, wrote.model, wrote.prompt) == ("runbook", "", "countersign.runbook-drafter/1"), results
    assert wrote.playbooks["scale-deployment"] == books["scale-deployment"]
    assert len(wrote.playbooks) < len(books)
    assert remediations.current_origins(["scale_deployment"]) == {"scale_deployment": wrote}


@pytest.mark.django_db
def test_the_current_origin_follows_the_drafter_that_spoke_last_and_the_library() -> None:
    review.world()
    knowledge.load(AT)
    assert remediations.current_origins(["scale_deployment"]) == {}
    remediation = review.drafted(review.ticket(review.people()["engineer"])).remediation
    for outcome, model in (("drafted", "old"), ("drafted", "new"), ("invalid", "broken")):
        Attempt.objects.create(
            remediation=remediation, drafter="claude", outcome=outcome, model=model, started_at=AT, ended_at=AT
        )
    before = remediations.current_origins(["scale_deployment"])["scale_deployment"]
    assert before.model == "new"
    book = Runbook.objects.get(slug="scale-deployment")
    knowledge.switch(book.pk, is_active=False, actor=system("knowledge"), at=AT)
    after = remediations.current_origins(["scale_deployment"])["scale_deployment"]
    assert origin.changes(before, after) == ["The runbook scale-deployment is no longer used."]


@pytest.mark.django_db
def test_a_person_s_text_never_passes_for_a_drafter_s() -> None:
    review.world()
    cast = review.people()
    revision = review.drafted(review.ticket(cast["engineer"]))
    fields: dict[str, Any] = {"content": revision.content, "digest": revision.digest, "created_at": AT, "number": 2}
    fields |= {"drafter": Drafter.PERSON, "author": cast["reviewer"], "origin": NAMED.text}
    with pytest.raises(IntegrityError, match="people_have_no_origin"), transaction.atomic():
        Revision.objects.create(remediation=revision.remediation, **fields)
