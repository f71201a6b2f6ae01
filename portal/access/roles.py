"""The six roles, as data: a role is a group whose verbs hold in every category. Narrower grants go per category."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission

ROLES: Mapping[str, tuple[str, ...]] = {
    "engineer": ("see",),
    "reviewer": ("see", "review", "sign_merge"),
    "approver": ("see", "review", "sign_merge", "sign_rollout", "sign_critical"),
    "operator": ("see", "run"),
    "policy admin": ("see", "configure"),
    "auditor": ("see",),
}
OTHER_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "engineer": ("tickets.add_ticket",),
    "operator": (
        "tickets.add_ticket", "signoff.add_stop", "jobs.view_job", "jobs.change_job", "jobs.view_schedule",
    ),
    "approver": ("signoff.add_stop",),
    "auditor": ("audit.view_event", "audit.add_legalhold"),
    "policy admin": (
        "audit.view_event", "audit.add_legalhold", "audit.change_retention",
        "estate.view_category", "estate.add_category", "estate.change_category",
        "estate.view_service", "estate.add_service", "estate.change_service",
        "estate.view_signal", "estate.add_signal", "estate.change_signal", "estate.delete_signal",
        "estate.view_target", "estate.add_target", "estate.change_target",
        "access.view_person", "access.add_person", "access.change_person",
        "access.view_token", "auth.view_group",
        "policy.view_categorypolicy", "policy.change_categorypolicy", "policy.add_categorypolicy",
        "signoff.view_freeze", "signoff.add_freeze", "signoff.add_stop",
        "connectors.view_connector", "connectors.change_connector",
        "knowledge.view_runbook", "knowledge.change_runbook",
        "drafting.view_remediation", "jobs.view_job", "jobs.change_job", "jobs.view_schedule", "jobs.change_schedule",
        "patterns.view_pattern", "feedback.view_feedback",
        "notices.change_outlet", "notices.change_letter", "signoff.change_duty",
    ),
}  # fmt: skip


def load() -> dict[str, Group]:
    """Create or complete the groups of the roles; running it again changes nothing."""
    Group.objects.bulk_create([Group(name=role) for role in ROLES], ignore_conflicts=True)
    groups = {group.name: group for group in Group.objects.filter(name__in=ROLES)}
    permissions = _permissions()
    held = Group.permissions.through
    rows = [
        held(group=groups[role], permission_id=permissions[name]) for role in ROLES for name in _permissions_of(role)
    ]
    held.objects.bulk_create(rows, ignore_conflicts=True)
    return {role: groups[role] for role in ROLES}


def _permissions_of(role: str) -> list[str]:
    """What a role may do, as Django names it: `estate.see_category`."""
    return [f"estate.{verb}_category" for verb in ROLES[role]] + list(OTHER_PERMISSIONS.get(role, ()))


def _permissions() -> dict[str, int]:
    """The key of every permission there is."""
    rows = Permission.objects.values_list("content_type__app_label", "codename", "pk")
    return {f"{app}.{codename}": pk for app, codename, pk in rows}
