"""Timelines of incidents; what they tell is evidence, too."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("tickets", "0003_evidence_speaks_against"),
    ]

    operations = [
        migrations.CreateModel(
            name="Timeline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("typed", "Typed in"),
                            ("pasted", "Pasted and corrected"),
                            ("run", "Told by a run"),
                            ("api", "Sent"),
                        ],
                        max_length=10,
                    ),
                ),
                ("kept_at", models.DateTimeField()),
                (
                    "kept_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="timelines", to="tickets.ticket"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="evidence",
            name="timeline",
            field=models.ForeignKey(
                db_index=False,
                help_text="The timeline it is part of.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="pieces",
                to="tickets.timeline",
            ),
        ),
    ]
