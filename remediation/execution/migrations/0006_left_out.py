"""A run that succeeded says how many of its steps were skipped."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column."""

    dependencies: ClassVar = [("execution", "0005_stages")]
    operations: ClassVar = [
        migrations.AddField("run", "left_out", models.PositiveIntegerField(default=0, db_default=0)),
    ]
