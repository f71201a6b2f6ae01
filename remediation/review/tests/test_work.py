"""What a reviewer does beside signing: take, comment on lines, cut, withdraw; by page, and what the database keeps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Vote
from portal.signoff.states import PlanStatus
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.review import services as reviews
from remediation.review import strip
from remediation.review.models import Remark, Take
from remediation.review.services import Said
from remediation.review.testing import drafted, remediation_of, scale, ticket, with_command
from remediation.tickets.models import Evidence

pytestmark = pytest.mark.usefixtures("lab_connectors")
PAGE = "/tickets/INC-1/review"


@pytest.fixture
def reviewed(cast: dict[str, Person]) -> Remediation:
    return in_review(cast)


def in_review(cast: dict[str, Person], draft: dict[str, Any] | None = None) -> Remediation:
    incident = ticket(cast["engineer"])
    Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
    drafted(incident, draft)
    drain("probe")
    return remediation_of(incident)


def two_steps() -> dict[str, Any]:
    draft = scale()
    draft["steps"].append(with_command()["steps"][0])
    draft["scope"] |= {"systems": [*draft["scope"]["systems"], "log-ship-1"]}
    draft["scope"] |= {"allowed_changes": ["scale_deployment", "command"]}
    return draft


def as_(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(client: Client) -> str:
    return client.get(PAGE).content.decode()


def press(client: Client, verdict: str = "sign", **fields: str) -> Any:
    bar = client.get(PAGE).context["decision"]
    body = {"verdict": verdict, **{name: bar[name] for name in ("digest", "stage", "sheet") if name in bar}, **fields}
    return client.post(f"{PAGE}/decide", body, follow=True)


def by(person: Person, **more: Any) -> dict[str, Any]:
    return {"person": person, "door": "page", "at": timezone.now(), **more}


def test_one_person_is_on_it_until_they_leave_it_or_time_is_up(cast: dict[str, Person], reviewed: Remediation) -> None:
    assert "others see that" in as_(cast["reviewer"]).post(f"{PAGE}/take", follow=True).content.decode()
    assert "<strong>reviewer</strong> is on it until" in shown(as_(cast["approver"]))
    assert "reviewer is on it" in as_(cast["approver"]).get("/").content.decode()
    with pytest.raises(StaleTransition, match="reviewer is on it until"):
        reviews.take(reviewed.pk, **by(cast["approver"]))
    with pytest.raises(StaleTransition, match="You are not on it"):
        reviews.release(reviewed.pk, **by(cast["approver"]))
    later = timezone.now() + timedelta(minutes=31)
    assert reviews.standing(reviewed, at=later).taken is None
    reviews.take(reviewed.pk, **by(cast["approver"], at=later))
    first, second = Take.objects.order_by("id")
    assert first.released_at == first.until
    reviews.release(reviewed.pk, **by(cast["approver"], at=later))
    second.refresh_from_db()
    assert second.released_at == later
    with pytest.raises(NotAllowed):
        reviews.take(reviewed.pk, **by(cast["engineer"]))


def test_whoever_decides_is_no_longer_on_it(cast: dict[str, Person], reviewed: Remediation) -> None:
    reviews.take(reviewed.pk, **by(cast["reviewer"]))
    assert press(as_(cast["reviewer"])).status_code == 200
    assert reviews.standing(remediation_of(reviewed.ticket), at=timezone.now()).taken is None


def test_comments_on_lines_go_back_to_the_author_and_stand_on_both_pages(
    cast: dict[str, Person], reviewed: Remediation
) -> None:
    client = as_(cast["reviewer"])
    form = client.get(f"{PAGE}/changes").context
    digest = form["digest"]
    line = next(each["place"] for each in form["lines"] if each["text"].startswith("rollback_minutes"))
    asked = client.post(f"{PAGE}/changes", {"digest": digest, "comment": "Nearly.", "add": line})
    assert f"Comment on {line}" in asked.content.decode()
    assert asked.context["comment"] == "Nearly."
    typed = {"place": [line, "step 1, rollback"], "said": ["Ten, rather.", "Who does this at night?"]}
    assert client.post(f"{PAGE}/changes", {"digest": digest, "comment": "Nearly.", **typed}).status_code == 302
    first, second = Remark.objects.order_by("id")
    assert (first.quote, first.comment) == ("rollback_minutes: 5", "Ten, rather.")
    assert (second.place, second.quote) == ("step 1, rollback", "Back to two pods.")
    for page in (shown(as_(cast["approver"])), as_(cast["engineer"]).get("/tickets/INC-1").content.decode()):
        assert "Nearly." in page
        assert "Who does this at night?" in page
        assert "rollback_minutes: 5" in page


def test_a_comment_is_about_the_revision_that_was_read(cast: dict[str, Person], reviewed: Remediation) -> None:
    client = as_(cast["approver"])
    digest = client.get(f"{PAGE}/changes").context["digest"]
    reviews.revise(reviewed.pk, draft=scale(summary="Six."), base_digest=digest, **by(cast["reviewer"]))
    answer = client.post(f"{PAGE}/changes", {"digest": digest, "place": "line 3", "said": "Why?"})
    assert answer.status_code == 409
    assert "Why?" in answer.content.decode()
    said = [Said("line 9999", "Nothing there.")]
    newest = reviewed.revisions.latest("number").digest
    with pytest.raises(Refused, match="The draft has no line 9999"):
        reviews.request_changes(reviewed.pk, comment="", said=said, digest=newest, **by(cast["approver"]))
    assert not Remark.objects.exists()


def test_cutting_a_step_says_first_what_it_means_and_makes_a_maker(cast: dict[str, Person]) -> None:
    remediation = in_review(cast, two_steps())
    client = as_(cast["approver"])
    page = client.get(f"{PAGE}/cut?step=2")
    assert "you become one of its makers, who cannot sign it" in page.content.decode()
    fields = {"step": "2", "base_digest": page.context["base"]}
    assert client.post(f"{PAGE}/cut", fields).status_code == 302
    drain("probe")
    plan = Plan.objects.get(status=PlanStatus.OPEN)
    assert plan.risk == "safe_write"
    assert cast["approver"].pk in plan.excluded
    assert client.post(f"{PAGE}/cut", fields).status_code == 409
    newest = remediation.revisions.latest("number").digest
    with pytest.raises(Refused, match="only step"):
        reviews.cut(remediation.pk, number=1, base_digest=newest, **by(cast["reviewer"]))


def test_a_signature_is_taken_back_until_the_run_claims_it(cast: dict[str, Person], reviewed: Remediation) -> None:
    press(as_(cast["reviewer"]))
    press(as_(cast["approver"]))
    client = as_(cast["approver"])
    assert "Take back your signature" in shown(client)
    client.post(f"{PAGE}/withdraw", {"reason": " "})
    assert remediation_of(reviewed.ticket).status == Status.APPROVED_FOR_ROLLOUT
    page = client.post(f"{PAGE}/withdraw", {"reason": "Wrong cluster."}, follow=True).content.decode()
    assert "You took back your signature." in page
    assert "approver withdrew: Wrong cluster." in page
    assert remediation_of(reviewed.ticket).status == Status.IN_REVIEW
    drain("probe")
    assert Plan.objects.get(status=PlanStatus.OPEN).stage == "merge"
    with pytest.raises(StaleTransition, match="signed nothing here"):
        reviews.withdraw(reviewed.pk, reason="Again.", **by(cast["approver"]))


def test_a_run_is_approved_ahead(cast: dict[str, Person], reviewed: Remediation) -> None:
    press(as_(cast["reviewer"]))
    typed = {"runs_from": "2030-01-01T10:00", "runs_until": "soon"}
    answer = press(as_(cast["approver"]), **typed)
    assert answer.status_code == 422
    assert 'value="2030-01-01T10:00"' in answer.content.decode()
    begins = timezone.now() + timedelta(hours=1)
    typed = {"runs_from": f"{begins:%Y-%m-%dT%H:%M}", "runs_until": f"{begins + timedelta(hours=1):%Y-%m-%dT%H:%M}"}
    press(as_(cast["approver"]), **typed)
    vote = Vote.objects.latest("id")
    assert vote.runs_from == begins.replace(second=0, microsecond=0)


def test_somebody_signs_in_another_s_stead(cast: dict[str, Person], reviewed: Remediation) -> None:
    press(as_(cast["reviewer"]))
    at = timezone.now()
    lent = signoffs.delegate(
        person=cast["approver"],
        to=cast["operator"],
        category=None,
        starts_at=at,
        ends_at=at + timedelta(days=1),
        reason="Holidays",
        door="page",
        at=at,
    )
    assert "for approver" in shown(as_(cast["operator"]))
    assert press(as_(cast["operator"])).status_code == 403
    assert press(as_(cast["operator"]), delegation=str(lent.pk)).status_code == 200
    assert Vote.objects.latest("id").principal == cast["approver"]
    assert "operator for approver" in shown(as_(cast["reviewer"]))


@pytest.mark.parametrize("forged", ["alice", "-1", "1.5", "²", "9" * 5000])
def test_a_delegation_that_is_none_is_no_signature_in_one_s_own_name(
    cast: dict[str, Person], reviewed: Remediation, forged: str
) -> None:
    answer = press(as_(cast["reviewer"]), delegation=forged)
    assert answer.status_code == 422
    assert "There is no such delegation." in answer.content.decode()
    assert not Vote.objects.exists()


def test_a_critical_plan_wants_the_ticket_id_and_a_fresh_sign_in_and_keeps_what_was_typed(
    cast: dict[str, Person],
) -> None:
    way_back = {"kind": "command", "says": "Lift the cap.", "command": "journalctl --vacuum-size=9G"}
    remediation = in_review(cast, with_command(rollback=way_back))
    (item,) = reviews.standing(remediation, at=timezone.now()).checklist
    reviews.tick(remediation.pk, item=item.item.item, is_confirmed=True, **by(cast["reviewer"]))
    cast["approver"].set_password("correct horse")
    cast["approver"].save()
    client = as_(cast["approver"])
    assert "Type <b" in shown(client)
    session = client.session
    session["authenticated_at"] = (timezone.now() - timedelta(minutes=6)).isoformat()
    session.save()
    asked = press(client, comment="Read it twice.", confirm="INC-1")
    assert asked.redirect_chain[-1][0].startswith("/sign-in/again")
    back = client.post("/sign-in/again", {"password": "correct horse", "next": PAGE}, follow=True)
    page = back.content.decode()
    assert "You are signed in afresh, and what you typed is kept." in page
    assert 'value="Read it twice."' in page
    assert 'value="INC-1"' in page
    assert press(client, confirm="INC-2").status_code == 422
    assert press(client, confirm="INC-1").status_code == 200
    assert Vote.objects.count() == 1


def test_every_page_says_who_does_which_part(
    cast: dict[str, Person], reviewed: Remediation, settings: LazySettings
) -> None:
    def parts() -> list[tuple[str, str]]:
        return [(part.state, part.who) for part in strip.parts_of(remediation_of(reviewed.ticket))]

    assert parts() == [
        ("done", "Runbook drafter"),
        ("now", "approver, reviewer, second-approver may"),
        ("later", "approver, second-approver may"),
        ("later", "operator may"),
    ]
    press(as_(cast["approver"]))
    assert parts()[1:3] == [("done", "approver"), ("now", "second-approver may")]
    press(as_(cast["second approver"]))
    assert parts()[2:] == [("done", "second-approver"), ("now", "operator may")]
    for address in (PAGE, "/tickets/INC-1"):
        assert "Small team" not in as_(cast["reviewer"]).get(address).content.decode()
    settings.SMALL_TEAM = True
    for address in (PAGE, "/tickets/INC-1"):
        assert "Small team: one person may review and approve" in as_(cast["reviewer"]).get(address).content.decode()


def test_a_conflict_shows_what_changed_and_keeps_what_was_typed(cast: dict[str, Person], reviewed: Remediation) -> None:
    client = as_(cast["approver"])
    read = client.get(PAGE).context["decision"]
    draft = scale(summary="Eight pods.")
    draft["steps"][0]["action"]["parameters"][-1]["value"] = 8
    head = reviewed.revisions.latest("number")
    reviews.revise(reviewed.pk, draft=draft, base_digest=head.digest, **by(cast["reviewer"]))
    drain("probe")
    body = {"verdict": "sign", "digest": read["digest"], "stage": read["stage"], "comment": "My words."}
    answer = client.post(f"{PAGE}/decide", body)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "What changed since you looked" in page
    assert "parameters, to replicas" in page
    assert "Eight" in page
    assert 'value="My words."' in page
    assert not Vote.objects.exists()
