"""What a person asks of a run that workers drive, and the ways on from a failed step: again, or left out."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal.kit import transitions
from remediation.execution.states import STEP_NEXT


class Migration(migrations.Migration):
    """Wishes of people, and the triggers of the new table of states."""

    dependencies = [
        ("execution", "0003_fence"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("run", "asked", models.CharField(default="", max_length=16)),
        migrations.AddField("run", "asked_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "run",
            "asked_by",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(transitions.trigger_sql("execution_steprun", "status", STEP_NEXT), migrations.RunSQL.noop),
    ]
