"""A model of the tests' own: its table lives inside a test's transaction."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
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


class Place(models.Model):
    """Where things are."""

    slug = models.SlugField(unique=True)
    name = models.TextField()

    objects: ClassVar[models.Manager[Place]] = models.Manager()

    class Meta:
        app_label = "kit"
        managed = False
        db_table = "kit_test_place"

    def __str__(self) -> str:
        return self.slug


class Thing(models.Model):
    """Something in a place, with data."""

    place = models.ForeignKey(Place, on_delete=models.PROTECT)
    note = models.TextField(null=True)  # noqa: DJ001 - nothing is not an empty note
    data = models.JSONField(default=dict)
    tags = ArrayField(models.TextField(), default=list)
    seen_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Thing]] = models.Manager()

    class Meta:
        app_label = "kit"
        managed = False
        db_table = "kit_test_thing"

    def __str__(self) -> str:
        return f"thing {self.pk}"


NEXT: dict[str, frozenset[str]] = {
    "off": frozenset({"on", "it's broken"}),
    "on": frozenset({"off"}),
    "it's broken": frozenset(),
}


def create_table() -> None:
    """Creates the table in the current transaction."""
    create_tables(Lamp)


def create_tables(*those: type[models.Model]) -> None:
    """Creates these tables, in the current transaction if there is one."""
    with connection.schema_editor() as editor:
        for each in those:
            editor.create_model(each)
