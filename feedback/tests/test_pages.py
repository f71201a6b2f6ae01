"""The feedback page through the browser's door: what is asked, kept, refused, and shown afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from feedback.models import Feedback
from portal.access.models import Person
from portal.access.testing import person
from portal.jobs.testing import drain
from portal.kit.testing.queries import statements
from remediation.review.testing import ticket
from remediation.tickets.models import Ticket

URL = "/tickets/INC-1/feedback"
SAID: dict[str, Any] = {
    "rating": "5",
    "feedback_type": "positive",
    "was_helpful": "yes",
    "resolution_accurate": "yes",
    "actions_worked": "",
    "comment": "Quick.\r\nAnd quiet.",
    "what_worked": "Scaling.",
    "actual_actions_taken": "scaled the pool\r\n\r\n  looked at it  ",
    "time_to_resolve": "12",
}


@pytest.fixture
def incident(cast: dict[str, Person]) -> Ticket:
    """A ticket that was drafted, so that it has a pattern, and is resolved."""
    incident = ticket(cast["engineer"])
    drain("drafting")
    Ticket.objects.update(status="resolved")
    incident.refresh_from_db()
    return incident


def as_(someone: Person) -> Client:
    client = Client()
    client.force_login(someone)
    return client


def words(client: Client, url: str = URL) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_an_answer_is_kept_as_it_was_given(cast: dict[str, Person], incident: Ticket) -> None:
    answer = as_(cast["engineer"]).post(URL, SAID)
    assert answer.status_code == 302
    row = Feedback.objects.get()
    assert (row.ticket, row.person, row.rating, row.feedback_type) == (incident, cast["engineer"], 5, "positive")
    assert (row.was_helpful, row.resolution_accurate, row.actions_worked) == (True, True, None)
    assert row.comment == "Quick.\nAnd quiet."
    assert row.actual_actions_taken == ["scaled the pool", "looked at it"]
    assert row.time_to_resolve == 12


def test_the_form_shows_what_was_said_before_and_replaces_it(cast: dict[str, Person], incident: Ticket) -> None:
    client = as_(cast["engineer"])
    client.post(URL, SAID)
    form = client.get(URL).context["form"]
    shown = {name: form[name].value() for name in SAID}
    assert shown == {
        **SAID,
        "rating": 5,
        "time_to_resolve": 12,
        "comment": "Quick.\nAnd quiet.",
        "actual_actions_taken": "scaled the pool\nlooked at it",
    }
    client.post(URL, {**SAID, "rating": "2", "was_helpful": "no", "what_worked": ""})
    row = Feedback.objects.get()
    assert (row.rating, row.was_helpful, row.what_worked) == (2, False, "")


def test_the_time_to_resolve_is_filled_in_until_somebody_says_otherwise(
    cast: dict[str, Person], incident: Ticket
) -> None:
    client = as_(cast["engineer"])
    assert client.get(URL).context["form"]["time_to_resolve"].value() is None
    Ticket.objects.update(finished_at=incident.opened_at + timedelta(minutes=41, seconds=5))
    assert client.get(URL).context["form"]["time_to_resolve"].value() == 42
    client.post(URL, {**SAID, "time_to_resolve": ""})
    assert client.get(URL).context["form"]["time_to_resolve"].value() is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rating": ""}, "Choose one to five stars."),
        ({"rating": "6"}, "6 is not one of the available choices"),
        ({"feedback_type": ""}, "Choose positive, negative or neutral."),
        ({"was_helpful": "perhaps"}, "perhaps is not one of the available choices"),
        ({"time_to_resolve": "-1"}, "greater than or equal to 0"),
        ({"time_to_resolve": "soon"}, "Enter a whole number."),
        ({"suggestions": "x" * 10_001}, "at most 10000 characters"),
        ({"suggestions": "a\x00b"}, "Null characters are not allowed."),
        ({"actual_actions_taken": "one\n" * 51}, "At most 50 lines."),
        ({"actual_actions_taken": "x" * 1_001}, "At most 1,000 characters a line."),
    ],
)
def test_a_mistake_is_named_and_nothing_typed_is_lost(
    cast: dict[str, Person], incident: Ticket, changed: dict[str, str], says: str
) -> None:
    typed = {**SAID, **changed}
    answer = as_(cast["engineer"]).post(URL, typed)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    form = answer.context["form"]
    assert {name: form[name].value() for name in typed} == typed
    assert not Feedback.objects.exists()


def test_there_is_nothing_to_judge_while_a_ticket_is_worked_on(cast: dict[str, Person]) -> None:
    ticket(cast["engineer"])
    client = as_(cast["engineer"])
    assert "There is nothing to judge yet" in words(client)
    answer = client.post(URL, SAID)
    assert answer.status_code == 409
    assert "still being worked on" in answer.content.decode()
    assert not Feedback.objects.exists()


def test_the_page_waits_until_the_answer_is_learned_then_shows_what_it_changed(
    cast: dict[str, Person], incident: Ticket
) -> None:
    client = as_(cast["engineer"])
    client.post(URL, SAID)
    page = client.get(URL)
    seen = page.context["seen"]
    assert "Your answer is being counted." in page.content.decode()
    assert client.get(f"{URL}/live", {"seen": seen}).status_code == 204
    drain("general")
    answer = client.get(f"{URL}/live", {"seen": seen})
    assert answer.status_code == 200
    effect = answer.context["effect"]
    by_name = {change.name: (change.before, change.after) for change in effect.changes}
    assert by_name["Positive feedback on the pattern"] == (None, 100.0)
    assert by_name["Average rating"] == (None, 5.0)
    before, after = by_name["Reliability of this ticket"]
    assert after > (before or 0)
    assert "hx-get" not in answer.content.decode()
    assert "1 ticket of this pattern, at least 5 asked for." in answer.content.decode()


def test_what_an_answer_changed_is_kept_and_not_counted_again_at_every_look(
    cast: dict[str, Person], incident: Ticket
) -> None:
    client = as_(cast["engineer"])
    client.post(URL, SAID)
    drain("general")
    first = client.get(f"{URL}/live").context["effect"]
    as_(cast["operator"]).post(URL, {**SAID, "rating": "1", "feedback_type": "negative"})
    drain("general")
    with statements() as asked:
        later = client.get(f"{URL}/live").context["effect"]
    assert later == first
    assert not [query for query in asked if "patterns_occurrence" in query]


def test_a_changed_answer_shows_the_change_of_the_change(cast: dict[str, Person], incident: Ticket) -> None:
    client = as_(cast["engineer"])
    client.post(URL, SAID)
    drain("general")
    client.post(URL, {**SAID, "rating": "1", "actions_worked": "no"})
    drain("general")
    changes = {change.name: change for change in client.get(URL).context["effect"].changes}
    positive, stars = changes["Positive feedback on the pattern"], changes["Average rating"]
    assert (positive.before, positive.after, positive.word) == (100.0, 0.0, "down")
    assert (stars.before, stars.after) == (5.0, 1.0)
    assert changes["Reliability of this ticket"].word == "down"


def test_a_ticket_without_a_pattern_says_that_nothing_follows(cast: dict[str, Person]) -> None:
    ticket(cast["engineer"])
    Ticket.objects.update(status="resolved")
    client = as_(cast["engineer"])
    client.post(URL, SAID)
    assert "belongs to no pattern" in words(client)
    assert "hx-get" not in words(client)


def test_each_sees_their_own_answer_in_the_form(cast: dict[str, Person], incident: Ticket) -> None:
    as_(cast["engineer"]).post(URL, SAID)
    assert "Send feedback" in words(as_(cast["operator"]))
    assert "Change the answer" in words(as_(cast["engineer"]))


def test_strangers_and_the_signed_out_see_nothing(cast: dict[str, Person], incident: Ticket) -> None:
    outsider = as_(person("outsider"))
    assert outsider.get(URL).status_code == 404
    assert outsider.post(URL, SAID).status_code == 404
    assert outsider.get(f"{URL}/live").status_code == 404
    assert as_(cast["operator"]).get(f"{URL}/live").status_code == 404
    assert Client().post(URL, SAID).status_code == 302
    assert not Feedback.objects.exists()


def test_the_page_asks_no_more_the_more_was_said(cast: dict[str, Person], incident: Ticket) -> None:
    client = as_(cast["engineer"])
    client.post(URL, SAID)
    drain("general")
    with statements() as few:
        words(client)
    for number in range(5):
        as_(person(f"engineer {number}", "engineer")).post(URL, SAID)
    drain("general")
    with statements() as many:
        words(client)
    assert len(many) <= len(few) <= 25


def test_the_ticket_page_shows_what_people_said(cast: dict[str, Person], incident: Ticket) -> None:
    client = as_(cast["engineer"])
    page = words(client, "/tickets/INC-1")
    assert "Nobody has said how it went." in page
    assert f'href="{URL}"' in page
    for number in range(6):
        as_(person(f"engineer {number}", "engineer")).post(URL, {**SAID, "rating": "4", "comment": f"Word {number}."})
    client.post(URL, SAID)
    page = words(client, "/tickets/INC-1")
    assert "4.1 from 7" in page
    assert "And quiet." in page
    assert "Word 5." in page
    assert "Word 1." not in page
    assert "Change your feedback" in page
    assert "Give feedback" in words(as_(cast["operator"]), "/tickets/INC-1")


def test_who_only_reads_is_shown_no_form_that_would_be_refused(cast: dict[str, Person], incident: Ticket) -> None:
    reader = as_(cast["auditor"])
    page = words(reader)
    assert "You only read tickets here" in page
    assert 'name="rating"' not in page
    assert f'href="{URL}"' not in words(reader, "/tickets/INC-1")
    assert reader.post(URL, SAID).status_code == 403


def test_the_ticket_page_asks_for_no_feedback_too_early(cast: dict[str, Person]) -> None:
    ticket(cast["engineer"])
    assert URL not in words(as_(cast["engineer"]), "/tickets/INC-1")


@pytest.mark.parametrize("path", ["feedback/feedback", "patterns/pattern"])
def test_the_settings_show_answers_and_patterns_and_change_none(
    cast: dict[str, Person], incident: Ticket, path: str
) -> None:
    as_(cast["engineer"]).post(URL, SAID)
    drain("general")
    admin = cast["policy admin"]
    Person.objects.filter(pk=admin.pk).update(is_staff=True)
    client = as_(Person.objects.get(pk=admin.pk))
    number = Feedback.objects.get().pk if path.startswith("feedback") else incident.pattern_id
    assert client.get(f"/admin/{path}/").status_code == 200
    assert client.get(f"/admin/{path}/add/").status_code == 403
    assert client.get(f"/admin/{path}/{number}/change/").status_code == 200
    assert client.post(f"/admin/{path}/{number}/change/", {"rating": "1"}).status_code == 403
    assert client.post(f"/admin/{path}/{number}/delete/", {"post": "yes"}).status_code == 403
