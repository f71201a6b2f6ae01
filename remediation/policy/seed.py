"""A policy for every category ships as data. The riskier a mistake, the more is asked for."""

from __future__ import annotations

from datetime import datetime

from portal.estate.models import Category
from remediation.policy.models import CategoryPolicy

KUBERNETES = ["restart_pod", "scale_deployment", "rollback_deployment"]
VMWARE = ["restart_vm", "snapshot_vm", "increase_memory", "increase_cpu"]
NETWORK = ["clear_interface_errors", "enable_port", "restart_interface"]
STORAGE = ["expand_volume", "clear_snapshots"]
OPENSTACK = ["reboot_instance", "resize_instance"]

POLICIES: dict[str, dict[str, object]] = {
    # A cache can be filled again: the mildest limits.
    "cache": {"min_reliability": 75, "auto_approve_threshold": 85, "allowed_action_types": ["restart_pod", "command"]},
    # A wrong port cuts off more than the thing under repair.
    "network": {
        "min_reliability": 85,
        "auto_approve_threshold": 90,
        "allowed_action_types": [*NETWORK, "command"],
        "max_actions_per_hour": 6,
    },
    # Data can be lost for good: a backup is asked for.
    "storage": {
        "min_reliability": 90,
        "auto_approve_threshold": 95,
        "allowed_action_types": [*STORAGE, "command"],
        "requires_backup": True,
        "max_actions_per_hour": 4,
    },
    # People only, whatever the record says.
    "security": {
        "min_reliability": 95,
        "auto_approve_threshold": None,
        "allowed_action_types": ["command"],
        "requires_approval": True,
        "max_actions_per_hour": 2,
    },
    "server": {
        "min_reliability": 85,
        "auto_approve_threshold": 90,
        "allowed_action_types": ["command", "apply_role"],
    },
    # A restart ends sessions; snapshots and sizes can be taken back.
    "virtualization": {
        "min_reliability": 85,
        "auto_approve_threshold": 92,
        "allowed_action_types": [*VMWARE, "command"],
        "max_actions_per_hour": 6,
    },
    # Scaling and pod restarts are the best understood actions there are.
    "kubernetes": {
        "min_reliability": 80,
        "auto_approve_threshold": 90,
        "allowed_action_types": [*KUBERNETES, "command"],
        "max_actions_per_hour": 10,
    },
    "openstack": {
        "min_reliability": 85,
        "auto_approve_threshold": 92,
        "allowed_action_types": [*OPENSTACK, "command"],
        "max_actions_per_hour": 6,
    },
    # As storage, and the service notices at once.
    "database": {
        "min_reliability": 90,
        "auto_approve_threshold": 95,
        "allowed_action_types": [*STORAGE, *VMWARE, "command"],
        "requires_backup": True,
        "max_actions_per_hour": 4,
    },
}


def load(at: datetime) -> None:
    """Policies for categories that have none; an organisation's own changes are kept."""
    rows = [
        CategoryPolicy(category=category, min_confidence=80, updated_at=at, **POLICIES[category.slug])
        for category in Category.objects.filter(slug__in=POLICIES)
    ]
    CategoryPolicy.objects.bulk_create(rows, ignore_conflicts=True)
