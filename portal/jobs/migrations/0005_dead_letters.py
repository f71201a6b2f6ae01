"""Dead jobs can be put away, clusters say what they hold and whom they replace, schedules keep within what kinds take."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

from portal.jobs.states import NEXT
from portal.kit import transitions

ROLE = "replace(current_user, 'countersign_', '')"
STATES = ["waiting", "running", "done", "dead", "discarded"]
RULES = f"""
DROP POLICY cluster_takes_its_own ON jobs_job;
CREATE POLICY cluster_takes_its_own ON jobs_job FOR UPDATE
    USING (queue = {ROLE} OR jobs_may_enqueue({ROLE}, queue))
    WITH CHECK (queue = {ROLE} OR ({ROLE} = 'web' AND state IN ('waiting', 'discarded')));
"""
UNDO = f"""
DROP POLICY cluster_takes_its_own ON jobs_job;
CREATE POLICY cluster_takes_its_own ON jobs_job FOR UPDATE
    USING (queue = {ROLE} OR jobs_may_enqueue({ROLE}, queue))
    WITH CHECK (queue = {ROLE} OR ({ROLE} = 'web' AND state = 'waiting'));
"""


class Migration(migrations.Migration):
    """One state more, and three columns."""

    dependencies: ClassVar = [("jobs", "0004_start_what_was_signed")]
    operations: ClassVar = [
        migrations.AddField("job", "note", models.TextField(db_default="", default="")),
        migrations.AddField("clusterbeat", "job_id", models.BigIntegerField(null=True)),
        migrations.AddField("clusterbeat", "replaces", models.TextField(default="")),
        migrations.AlterField(
            "job", "state", models.TextField(choices=[(each, each) for each in STATES], default="waiting")
        ),
        migrations.AlterField(
            "schedule",
            "every_seconds",
            models.PositiveIntegerField(
                validators=[
                    MinValueValidator(5, "Nothing runs more often than every %(limit_value)s seconds."),
                    MaxValueValidator(2678400, "Nothing rests longer than 31 days (%(limit_value)s seconds)."),
                ]
            ),
        ),
        migrations.RemoveConstraint("job", "jobs_job_state_exists"),
        migrations.AddConstraint(
            "job",
            models.CheckConstraint(condition=models.Q(("state__in", STATES)), name="jobs_job_state_exists"),
        ),
        migrations.RunSQL(transitions.trigger_sql("jobs_job", "state", NEXT), migrations.RunSQL.noop),
        migrations.RunSQL(RULES, UNDO),
    ]
