"""Whether a person asked for a role."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("drafting", "0004_origin"),
    ]

    operations = [
        migrations.AddField(
            model_name="remediation",
            name="is_role_wanted",
            field=models.BooleanField(db_default=False, default=False, help_text="A person asked for an Ansible role."),
        ),
    ]
