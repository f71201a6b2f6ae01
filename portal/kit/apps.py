"""Registers the room with Django."""

from django.apps import AppConfig

from portal.kit import slots


class KitConfig(AppConfig):
    """Shared small pieces without models: refusals, canonical text, redaction, pages, problems, template tags."""

    name = "portal.kit"
    label = "kit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The settings pages are nobody's room: their entry in the navigation is the kit's."""
        slots.add("nav", slots.NavItem("Settings", "admin:index", "settings", order=90, permitted=slots.staff))
