"""Of a role, which one was taken back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wayback", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="taken",
            name="playbook",
            field=models.CharField(
                db_default="",
                default="",
                help_text="Of a role its digest: each has a way back of its own.",
                max_length=64,
            ),
        ),
        migrations.AddIndex(
            model_name="taken",
            index=models.Index(fields=["playbook", "-id"], name="wayback_of_playbook"),
        ),
    ]
