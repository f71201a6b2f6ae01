"""A model of the tests' own: its table lives inside a test's transaction."""

from __future__ import annotations

from typing import ClassVar

from django.db import connection, models


class Lamp(models.Model):
    """Something with a state and an order."""

    status = models.TextField()
    lit_at = models.DateTimeField()
    watts = models.IntegerField(default=0)
    label = models.TextField(default="")

    objects: ClassVar[models.Manager[Lamp]] = models.Manager()

    class Meta:
        app_label = "kit"
        managed = False
        db_table = "kit_test_lamp"

    def __str__(self) -> str:
        return f"lamp {self.pk}"


NEXT: dict[str, frozenset[str]] = {
    "off": frozenset({"on", "it's broken"}),
    "on": frozenset({"off"}),
    "it's broken": frozenset(),
}


def create_table() -> None:
    """Creates the table in the current transaction."""
    with connection.schema_editor() as editor:
        editor.create_model(Lamp)
