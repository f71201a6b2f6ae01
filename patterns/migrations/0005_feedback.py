"""What people said lately is found without reading every ticket that came."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Three indexes: of one pattern, of all, and of one ticket."""

    dependencies: ClassVar = [("patterns", "0004_what_ran")]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(
                condition=models.Q(("kind", "feedback")), fields=["pattern", "-at"], name="patterns_feedback"
            ),
        ),
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(
                condition=models.Q(("kind", "feedback")), fields=["-at", "-id"], name="patterns_newest_feedback"
            ),
        ),
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(
                condition=models.Q(("kind", "feedback")),
                fields=["ticket_id", "-id"],
                name="patterns_feedback_of_ticket",
            ),
        ),
    ]
