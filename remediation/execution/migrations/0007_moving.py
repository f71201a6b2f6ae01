"""Runs that workers drive are found however many have ended."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """An index."""

    dependencies: ClassVar = [("execution", "0006_left_out")]
    operations: ClassVar = [
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["id"],
                condition=models.Q(status__in=["rolling_back", "running"]),
                name="execution_run_moving",
            ),
        ),
    ]
