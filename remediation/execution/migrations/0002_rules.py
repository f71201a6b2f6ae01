"""Step output, partitioned by id range from the start, and the transition triggers of runs and steps."""

from typing import ClassVar

from django.db import migrations, models

from portal.kit import partitions, transitions
from remediation.execution.states import RUN_NEXT, STEP_NEXT

TABLE = """
CREATE SEQUENCE execution_stepoutput_id_seq AS bigint;
CREATE TABLE execution_stepoutput (
    id bigint NOT NULL DEFAULT nextval('execution_stepoutput_id_seq') PRIMARY KEY,
    step_id bigint NOT NULL,
    run_id bigint NOT NULL,
    phase varchar(16) NOT NULL,
    is_good boolean,
    says text NOT NULL,
    text text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL
) PARTITION BY RANGE (id);
ALTER SEQUENCE execution_stepoutput_id_seq OWNED BY execution_stepoutput.id;
CREATE INDEX execution_output_run ON execution_stepoutput (run_id, id);
"""


class Migration(migrations.Migration):
    """Partitioned output and the states of runs and steps."""

    dependencies: ClassVar = [("execution", "0001_initial")]
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    TABLE + partitions.extend_sql("execution_stepoutput"), partitions.drop_sql("execution_stepoutput")
                )
            ],
            state_operations=[
                migrations.CreateModel(
                    name="StepOutput",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("step_id", models.BigIntegerField()),
                        ("run_id", models.BigIntegerField()),
                        (
                            "phase",
                            models.CharField(
                                choices=[
                                    ("preflight", "Pre-flight"),
                                    ("action", "Action"),
                                    ("probe", "Probe after an interruption"),
                                    ("verify", "Verify"),
                                    ("rollback", "Rollback"),
                                    ("rollback_verify", "Verify of the rollback"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("is_good", models.BooleanField(null=True)),
                        ("says", models.TextField()),
                        ("text", models.TextField(default="")),
                        ("by", models.TextField(help_text="The person, or the cluster that ran it.")),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [models.Index(fields=["run_id", "id"], name="execution_output_run")],
                    },
                ),
            ],
        ),
        migrations.RunSQL(
            transitions.trigger_sql("execution_run", "status", RUN_NEXT),
            transitions.drop_sql("execution_run", "status"),
        ),
        migrations.RunSQL(
            transitions.trigger_sql("execution_steprun", "status", STEP_NEXT),
            transitions.drop_sql("execution_steprun", "status"),
        ),
    ]
