"""Categories that ship as data, and the demonstration estate: services and the targets of the lab."""

from __future__ import annotations

from django.contrib.auth.models import Group

from portal.estate.models import Category, Environment, Sensitivity, Service, Target

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


def load_categories() -> None:
    """The nine categories; an organisation's own changes are kept."""
    for position, (slug, name) in enumerate(CATEGORIES, start=1):
        Category.objects.get_or_create(slug=slug, defaults={"name": name, "position": position * 10})


def load_services() -> None:
    """Demonstration services with their owner groups."""
    for slug, name, owners, sensitivity in SERVICES:
        group, _ = Group.objects.get_or_create(name=owners)
        Service.objects.get_or_create(
            slug=slug,
            defaults={"name": name, "owner_group": group, "sensitivity": [str(tag) for tag in sensitivity]},
        )


def load_target(identity: str, *, name: str, connector: str, service_slug: str | None, is_lab: bool) -> None:
    """One target; identity and connector come from the room that knows connectors."""
    service = Service.objects.filter(slug=service_slug).first() if service_slug else None
    Target.objects.update_or_create(
        identity=identity,
        defaults={
            "name": name,
            "family": identity.partition(":")[0],
            "connector": connector,
            "service": service,
            "environment": Environment.PRODUCTION,
            "is_lab": is_lab,
        },
    )
