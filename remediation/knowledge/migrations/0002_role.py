"""A runbook may bring a role."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="runbook",
            name="role",
            field=models.TextField(default="", help_text="The role it brings (canonical); empty without one."),
        ),
    ]
