"""Words for the constraint on the ends of a freeze; the database is not touched."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """The message people read."""

    dependencies: ClassVar = [("signoff", "0002_rules")]
    operations: ClassVar = [
        migrations.AlterConstraint(
            model_name="freeze",
            name="freeze_ends_after_it_starts",
            constraint=models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="freeze_ends_after_it_starts",
                violation_error_message="A freeze ends after it starts.",
            ),
        ),
    ]
