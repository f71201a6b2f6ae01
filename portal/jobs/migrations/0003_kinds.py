"""Which process may ask for which kind of job: the registry's answer, kept where row policies can see it (law 5)."""

import django.contrib.postgres.fields
from django.db import migrations, models

ROLE = "replace(current_user, 'countersign_', '')"

# A kind that the table does not know yet is one that no worker knows either: it ends in the dead letters.
POLICY = f"""
CREATE FUNCTION jobs_may_ask(process text, wanted text, of_queue text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM jobs_kind WHERE name = wanted AND (queue <> of_queue OR process <> ALL (asked_by))
    )
$$;
DROP POLICY enqueues_where_it_may ON jobs_job;
CREATE POLICY enqueues_where_it_may ON jobs_job FOR INSERT WITH CHECK (
    jobs_may_enqueue({ROLE}, queue) AND jobs_may_ask({ROLE}, kind, queue) AND state = 'waiting' AND attempts = 0
);
"""
UNDO = f"""
DROP POLICY enqueues_where_it_may ON jobs_job;
CREATE POLICY enqueues_where_it_may ON jobs_job FOR INSERT
    WITH CHECK (jobs_may_enqueue({ROLE}, queue) AND state = 'waiting' AND attempts = 0);
DROP FUNCTION jobs_may_ask(text, text, text);
"""


class Migration(migrations.Migration):
    """The table of kinds, and the policy that reads it."""

    dependencies = [("jobs", "0002_rules")]
    operations = [
        migrations.CreateModel(
            name="Kind",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("queue", models.TextField()),
                ("asked_by", django.contrib.postgres.fields.ArrayField(models.TextField(), size=None)),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.RunSQL(POLICY, UNDO),
    ]
