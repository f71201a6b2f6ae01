"""Indexes for the audit page: by the name of an actor, which parts of the system have too, and by the key of a ticket."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """The index by name takes the place of the one by id, so that recording an event costs one index more, not two."""

    dependencies: ClassVar = [("audit", "0001_initial")]
    operations: ClassVar = [
        migrations.RemoveIndex(model_name="event", name="audit_event_actor"),
        migrations.AddIndex(
            model_name="event", index=models.Index(fields=["actor_name", "id"], name="audit_event_actor_name")
        ),
        migrations.AddIndex(
            model_name="event", index=models.Index(fields=["ticket_key", "id"], name="audit_event_ticket_key")
        ),
    ]
