"""What signers are shown, kept under the digest of its text."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

RULE = """
ALTER TABLE review_sheet ADD CONSTRAINT review_sheet_digest_is_of_text
    CHECK (digest = encode(sha256(convert_to(text, 'UTF8')), 'hex'));
"""


class Migration(migrations.Migration):
    """The table, and a digest that cannot lie."""

    dependencies: ClassVar = [("review", "0002_makers"), ("signoff", "0004_votes_decide")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Sheet",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("page", "Page"), ("api", "API")], max_length=4)),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sheets", to="signoff.plan"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(RULE, migrations.RunSQL.noop),
    ]
