"""How far people were reminded of each plan."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One row per plan that was asked about."""

    dependencies: ClassVar = [("signoff", "0006_who_votes")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Watch",
            fields=[
                (
                    "plan",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="watch",
                        serialize=False,
                        to="signoff.plan",
                    ),
                ),
                ("looked_at", models.DateTimeField()),
                ("next_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "watches",
                "ordering": ["plan"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="signoff_watch_next"
                    )
                ],
            },
        ),
    ]
