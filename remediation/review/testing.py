"""What tests of reviews and the rooms above start from: people of every role, the lab, a ticket, a draft."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from portal.access import roles
from portal.access.models import Person
from portal.estate import seed as estate
from portal.kit.actors import system
from portal.signoff.models import Plan
from remediation.connectors.lab import first_day
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Drafter, Remediation, Revision
from remediation.policy import seed as policies
from remediation.review import sheets
from remediation.review.models import Sheet
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence, NewTicket

AT = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
"""A Monday morning."""
SECONDARY = first_day.SECONDARY

SCALE: dict[str, Any] = {
    "summary": "Scale the secondary pool of payments to six pods.",
    "hypothesis": "The secondary pool is too small for the load.",
    "facts": [{"text": "payments-secondary has two pods.", "evidence": ["E1"]}],
    "guesses": ["The primary pool recovers once load moves."],
    "scope": {
        "service": "payments",
        "systems": [SECONDARY],
        "allowed_changes": ["scale_deployment"],
        "out_of_scope": ["The primary pool."],
    },
    "steps": [
        {
            "title": "Scale payments-secondary from 2 to 6",
            "preflight": {"expects": "Two pods are asked for.", "command": None, "stop_if": "The number differs."},
            "action": {
                "kind": "operation",
                "operation": "scale_deployment",
                "parameters": [
                    {"name": "cluster", "value": "lab-k8s"},
                    {"name": "namespace", "value": "payments"},
                    {"name": "deployment", "value": "payments-secondary"},
                    {"name": "from_replicas", "value": 2},
                    {"name": "to_replicas", "value": 6},
                ],
            },
            "blast_radius": "payments-secondary only.",
            "verify": {"expects": "Six pods are ready.", "command": None},
            "rollback": {"kind": "catalogue", "says": "Back to two pods.", "command": None},
            "review": None,
            "source": "runbook scale-deployment v1",
        }
    ],
    "rollback_owner": "payments on-call",
    "rollback_minutes": 5,
    "confidence_percent": 92,
}

COMMAND_STEP: dict[str, Any] = {
    "title": "Cap the journal",
    "preflight": {"expects": "The journal has no cap.", "command": "journalctl --disk-usage", "stop_if": "It has one."},
    "action": {"kind": "command", "system": "log-ship-1", "command": "journalctl --vacuum-size=1G"},
    "blast_radius": "Archived journal files of log-ship-1.",
    "verify": {"expects": "The journal takes less than 1 GB.", "command": "journalctl --disk-usage"},
    "rollback": {"kind": "irreversible", "says": "Vacuumed journal files are gone.", "command": None},
    "review": "Is everything in these journals shipped already?",
    "source": "runbook log-shipper-disk-full v1",
}


def scale(**changes: Any) -> dict[str, Any]:
    """The scaling draft, with fields replaced."""
    return copy.deepcopy(SCALE) | changes


def with_command(**changes: Any) -> dict[str, Any]:
    """A draft of one command on a log shipper, with fields of its step replaced."""
    draft = scale(steps=[copy.deepcopy(COMMAND_STEP) | changes])
    draft["scope"] |= {"systems": ["log-ship-1"], "allowed_changes": ["command"]}
    return draft


def people() -> dict[str, Person]:
    """One person per role under the role's name, and a second approver."""
    groups = roles.load()
    cast = {role: Person.objects.create_user(role.replace(" ", "-")) for role in (*groups, "second approver")}
    owners, _ = Group.objects.get_or_create(name="payments owners")
    for role, group in groups.items():
        group.user_set.add(*(person for name, person in cast.items() if name.removeprefix("second ") == role))
    owners.user_set.add(cast["approver"], cast["second approver"])
    return cast


def world() -> None:
    """Categories, policies, services and the lab's targets."""
    estate.load_categories()
    estate.load_services()
    policies.load(AT)
    targets = first_day.estate(0).targets()
    estate.load_lab(estate.LabTarget(identity, identity, f"lab-{identity.partition(':')[0]}") for identity in targets)


def ticket(opener: Person, key: str = "INC-1", **changes: Any) -> Ticket:
    """A ticket of the payments incident with one piece of evidence; drafting has not begun."""
    fields: dict[str, Any] = {
        "key": key,
        "title": "Payments pods unhealthy, secondary pool under-scaled",
        "description": "payments_pods_unhealthy: the secondary pool is too small.",
        "category_slug": "kubernetes",
        "enable_auto_remediation": True,
        "severity": 1,
        "service_slug": "payments",
        "evidence": [NewEvidence("command", "payments-secondary 2/2", AT - timedelta(minutes=3), "kubectl get deploy")],
    }
    return tickets.open_ticket(opener=opener, new=NewTicket(**{**fields, **changes}), door="api", at=AT).ticket


def drafted(ticket: Ticket, draft: dict[str, Any] | None = None) -> Revision:
    """A first revision, as the runbook drafter would leave it; the job that prepares it is waiting."""
    actor = system("drafting")
    remediation = remediations.begin(ticket.pk, actor=actor, at=AT)
    with transaction.atomic():
        return remediations.add_revision(
            remediations.locked(remediation.pk),
            draft=schema.parse(draft or scale()),
            drafter=Drafter.RUNBOOK,
            author=None,
            base=None,
            actor=actor,
            at=AT,
        )


def shown(plan: Plan, *, at: datetime) -> str:
    """The digest of a sheet of this plan, as its signer would have been shown it."""
    text = sheets.document_of({"number": plan.pk, "digest": plan.digest, "content": plan.content})
    return sheets.keep(plan, text, kind=Sheet.Kind.API, at=at)


def remediation_of(ticket: Ticket) -> Remediation:
    """The newest remediation, read afresh."""
    rows = Remediation.objects.select_related("ticket", "category")
    return rows.filter(ticket=ticket).latest("number")
