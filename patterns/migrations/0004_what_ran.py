"""An executed occurrence says what wrote the text that ran."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """One column, and the indexes for the record of one kind of fix and for what ran last."""

    dependencies: ClassVar = [("patterns", "0003_earned_by_others")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="occurrence",
            name="fingerprint",
            field=models.CharField(
                default="",
                help_text="Of what wrote the text that workers ran; empty: people edited it or ran it.",
                max_length=64,
            ),
        ),
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(
                condition=Q(kind="executed"),
                fields=["pattern", "action", "environment", "-id"],
                name="patterns_executed",
            ),
        ),
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(
                condition=Q(succeeded__isnull=False), fields=["pattern", "-id"], name="patterns_newest_executed"
            ),
        ),
    ]
