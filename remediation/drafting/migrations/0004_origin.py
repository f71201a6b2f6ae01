"""A revision remembers what wrote it; the text of a person has no origin."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """One column, and the rule that no person's text passes for a drafter's."""

    dependencies: ClassVar = [("drafting", "0003_rules")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="revision",
            name="origin",
            field=models.TextField(default="", help_text="What wrote it (canonical); empty for the text of a person."),
        ),
        migrations.AddConstraint(
            model_name="revision",
            constraint=models.CheckConstraint(
                condition=~Q(drafter="person") | Q(origin=""), name="people_have_no_origin"
            ),
        ),
    ]
