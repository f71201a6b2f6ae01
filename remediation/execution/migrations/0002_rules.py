"""Step output, partitioned by id range from the start, and the transition triggers of runs and steps."""

from typing import ClassVar

from django.db import migrations, models

from portal.kit import transitions
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

CREATE FUNCTION execution_stepoutput_extend() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
-- Keeps two empty partitions of ten million ids ahead of the sequence. Called nightly by the general cluster and at migration.
DECLARE
    width constant bigint := 10000000;
    wanted bigint := (SELECT last_value FROM execution_stepoutput_id_seq) / width + 2;
    made integer := 0;
BEGIN
    FOR part IN 0..wanted LOOP
        IF to_regclass('execution_stepoutput_p' || part) IS NULL THEN
            EXECUTE format('CREATE TABLE execution_stepoutput_p%s PARTITION OF execution_stepoutput FOR VALUES FROM (%s) TO (%s)',
                           part, part * width, (part + 1) * width);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION execution_stepoutput_extend() FROM PUBLIC;
SELECT execution_stepoutput_extend();
"""


class Migration(migrations.Migration):
    """Partitioned output and the states of runs and steps."""

    dependencies: ClassVar = [("execution", "0001_initial")]
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    TABLE, "DROP TABLE execution_stepoutput; DROP FUNCTION execution_stepoutput_extend();"
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
