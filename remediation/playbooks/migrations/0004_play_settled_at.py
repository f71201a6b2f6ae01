"""A play that failed is settled at the first look that finds nothing left of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column, empty for every play so far."""

    dependencies: ClassVar = [("playbooks", "0003_proofs_begin")]

    operations: ClassVar = [
        migrations.AddField(model_name="play", name="settled_at", field=models.DateTimeField(null=True)),
    ]
