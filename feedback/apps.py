"""Registers the room with Django, and its part of the ticket page."""

from django.apps import AppConfig

from portal.kit import slots


class FeedbackConfig(AppConfig):
    """What engineers say about a remediation after the fact."""

    name = "feedback"
    label = "feedback"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Show on the ticket page what people said."""
        from feedback.presenting import aside  # noqa: PLC0415 - models are not loaded when this module is

        slots.register("ticket.aside", "feedback/aside.html", aside, order=60)
