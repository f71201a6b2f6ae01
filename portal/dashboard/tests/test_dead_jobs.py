"""From every dead job there is a way to what it is about."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.testing import person
from portal.jobs import registry, subjects
from portal.jobs.models import Job
from portal.jobs.states import State
from portal.jobs.testing import drain
from portal.signoff.models import Plan
from remediation.drafting.models import Revision
from remediation.review import testing as review

pytestmark = pytest.mark.django_db


def test_what_a_kind_is_about_can_be_found() -> None:
    abouts = {each.about for each in registry.kinds() if each.about and ".tests." not in each.function.__module__}

    assert len(abouts) > 10
    for about in sorted(abouts):
        assert subjects._finders[about]([0]) == {}


def test_dead_jobs_lead_to_ticket_draft_plan_and_notice(lab_connectors: None) -> None:
    review.world()
    cast = review.people()
    ticket = review.ticket(cast["engineer"], "INC-7")
    review.drafted(ticket)
    drain("probe", "general")
    remediation, plan = review.remediation_of(ticket), Plan.objects.get()
    wanted = {
        "drafting.draft": (ticket.pk, "/tickets/INC-7", "INC-7"),
        "drafting.redraft": (remediation.pk, "/tickets/INC-7/review", "draft for INC-7"),
        "review.prepare": (Revision.objects.get().pk, "/tickets/INC-7/review", "revision 1 for INC-7"),
        "execution.start": (plan.pk, "/tickets/INC-7/review", f"merge plan {plan.pk} of INC-7"),
    }
    now = timezone.now()
    ended = {"state": State.DEAD, "attempts": 3, "fence": 3, "started_at": now, "finished_at": now}
    for kind, (subject, _, _) in wanted.items():
        asked = {"queue": registry.handler_of(kind).queue, "due_at": now, "enqueued_at": now}
        Job.objects.create(kind=kind, subject_id=subject, **asked, **ended)
    client = Client()
    client.force_login(person("omar", "operator"))
    page = client.get("/jobs").text

    for _, path, name in wanted.values():
        assert f'<a href="{path}">{name}</a>' in page
        assert client.get(path).status_code == 200
