"""Categories that ship as data, and the demonstration estate: services and the targets of the lab."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.contrib.auth.models import Group

from portal.estate.models import Category, Environment, Sensitivity, Service, Signal, Target

CATEGORIES = (
    ("cache", "Cache"),
    ("network", "Network"),
    ("storage", "Storage"),
    ("security", "Security"),
    ("server", "Server"),
    ("virtualization", "Virtualization"),
    ("kubernetes", "Kubernetes"),
    ("openstack", "OpenStack"),
    ("database", "Database"),
)

SERVICES: tuple[tuple[str, str, str, list[Sensitivity]], ...] = (
    ("payments", "Payments", "payments owners", [Sensitivity.PAYMENTS, Sensitivity.CUSTOMER_DATA]),
    ("single-sign-on", "Single sign-on", "identity owners", [Sensitivity.AUTHENTICATION, Sensitivity.PERMISSIONS]),
    ("log-shipping", "Log shipping", "platform owners", []),
    ("web-shop", "Web shop", "shop owners", [Sensitivity.CUSTOMER_DATA]),
)


class LabTarget(NamedTuple):
    """A target of the lab; identity and connector come from the room that knows connectors."""

    identity: str
    name: str
    connector: str
    service_slug: str | None = None


def load_categories() -> None:
    """The nine categories; an organisation's own changes are kept."""
    rows = [Category(slug=slug, name=name, position=place * 10) for place, (slug, name) in enumerate(CATEGORIES, 1)]
    Category.objects.bulk_create(rows, ignore_conflicts=True)


def load_services() -> None:
    """Demonstration services with their owner groups."""
    names = [owners for _, _, owners, _ in SERVICES]
    Group.objects.bulk_create([Group(name=name) for name in names], ignore_conflicts=True)
    groups = {group.name: group for group in Group.objects.filter(name__in=names)}
    rows = [
        Service(slug=slug, name=name, owner_group=groups[owners], sensitivity=[str(tag) for tag in sensitivity])
        for slug, name, owners, sensitivity in SERVICES
    ]
    Service.objects.bulk_create(rows, ignore_conflicts=True)


def load_signals() -> None:
    """Signals of a demonstration service; an organisation's own changes are kept."""
    Signal.objects.bulk_create(_signals(Service.objects.get(slug="payments")), ignore_conflicts=True)


def load_lab(targets: Iterable[LabTarget]) -> None:
    """The targets of the lab, new or brought up to date."""
    services = {service.slug: service for service in Service.objects.all()}
    rows = [
        Target(
            identity=each.identity,
            name=each.name,
            family=each.identity.partition(":")[0],
            connector=each.connector,
            service=services.get(each.service_slug or ""),
            environment=Environment.PRODUCTION,
            is_lab=True,
        )
        for each in targets
    ]
    shown = ["name", "family", "connector", "service", "environment", "is_lab"]
    Target.objects.bulk_create(rows, update_conflicts=True, unique_fields=["identity"], update_fields=shown)


def _signals(service: Service) -> list[Signal]:
    """What is watched of the payments service: numbers of the lab, so that nobody needs a Prometheus to see it."""
    pool = {"cluster": "lab-k8s", "namespace": "payments", "deployment": "payments-secondary"}
    ready = Signal(
        name="Pods ready",
        about=Signal.About.BUSINESS,
        tool="get_deployment",
        arguments=pool,
        field="ready",
        relation=Signal.Relation.AT_LEAST,
        threshold=2,
        unit="pods",
    )
    sessions = Signal(
        name="Sessions",
        about=Signal.About.QUEUE_DEPTH,
        tool="active_sessions",
        arguments={"target": "kubernetes:lab-k8s/payments/deployment/payments-secondary"},
        field="active",
        relation=Signal.Relation.AT_MOST,
        threshold=100,
    )
    for signal in (ready, sessions):
        signal.service, signal.kind, signal.connector = service, Signal.Kind.PROBE, "lab-kubernetes"
    return [ready, sessions]
