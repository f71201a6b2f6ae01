"""Registers the room with Django."""

from django.apps import AppConfig

from portal.kit import slots


class KnowledgeConfig(AppConfig):
    """Runbooks, and finding the ones that fit a ticket."""

    name = "remediation.knowledge"
    label = "knowledge"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The runbooks have an entry in the navigation."""
        slots.add("nav", slots.NavItem(label="Runbooks", url_name="runbooks", icon="book-2", order=60))
