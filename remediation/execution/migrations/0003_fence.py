"""One growing number for all take-overs: a target sees runs one after the other, and their fences must grow as well."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """The sequence behind Run.fence."""

    dependencies: ClassVar = [("execution", "0002_rules")]
    operations: ClassVar = [
        migrations.RunSQL("CREATE SEQUENCE execution_fence AS bigint", "DROP SEQUENCE execution_fence"),
    ]
