"""What no letter carries yet is found without reading what was said before."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """An index."""

    dependencies: ClassVar = [("notices", "0002_rules")]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("spread_at", None)), fields=["id"], name="notices_unspread"),
        ),
    ]
