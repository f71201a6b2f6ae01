"""A failed job keeps where its error came from."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column."""

    dependencies: ClassVar = [("jobs", "0006_one_clock")]
    operations: ClassVar = [migrations.AddField("job", "trace", models.TextField(default="", db_default=""))]
