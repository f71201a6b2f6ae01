"""The event table, partitioned by id range from the start; retention drops whole partitions or bodies, never rows."""

from typing import ClassVar

from django.db import migrations, models

TABLE = """
CREATE SEQUENCE audit_event_id_seq AS bigint;
CREATE TABLE audit_event (
    id bigint NOT NULL DEFAULT nextval('audit_event_id_seq') PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    door text NOT NULL CHECK (door IN ('page', 'api', 'admin', 'job', 'command')),
    actor_kind text NOT NULL CHECK (actor_kind IN ('human', 'machine', 'system', 'anonymous')),
    actor_id bigint,
    actor_name text NOT NULL,
    subject_kind text NOT NULL,
    subject_id bigint NOT NULL,
    subject_name text NOT NULL,
    ticket_id bigint,
    ticket_key text NOT NULL,
    body text,
    body_digest varchar(64) NOT NULL CHECK (length(body_digest) = 64),
    xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (id);
ALTER SEQUENCE audit_event_id_seq OWNED BY audit_event.id;
CREATE INDEX audit_event_ticket ON audit_event (ticket_id, id);
CREATE INDEX audit_event_actor ON audit_event (actor_id, id);
CREATE INDEX audit_event_subject ON audit_event (subject_kind, subject_id, id);
CREATE INDEX audit_event_kind ON audit_event (kind, id);

CREATE FUNCTION audit_event_extend() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- Keeps two empty partitions of ten million ids ahead of the sequence. Called nightly by the general cluster and at migration.
DECLARE
    width constant bigint := 10000000;
    wanted bigint := (SELECT last_value FROM audit_event_id_seq) / width + 2;
    made integer := 0;
BEGIN
    FOR part IN 0..wanted LOOP
        IF to_regclass('audit_event_p' || part) IS NULL THEN
            EXECUTE format('CREATE TABLE audit_event_p%s PARTITION OF audit_event FOR VALUES FROM (%s) TO (%s)',
                           part, part * width, (part + 1) * width);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION audit_event_extend() FROM PUBLIC;
SELECT audit_event_extend();
"""


class Migration(migrations.Migration):
    """First tables of the room."""

    initial = True
    dependencies: ClassVar = []
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TABLE, "DROP TABLE audit_event; DROP FUNCTION audit_event_extend();")
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("at", models.DateTimeField()),
                        ("kind", models.TextField()),
                        ("door", models.TextField()),
                        ("actor_kind", models.TextField()),
                        ("actor_id", models.BigIntegerField(null=True)),
                        ("actor_name", models.TextField()),
                        ("subject_kind", models.TextField()),
                        ("subject_id", models.BigIntegerField()),
                        ("subject_name", models.TextField()),
                        ("ticket_id", models.BigIntegerField(null=True)),
                        ("ticket_key", models.TextField(default="")),
                        ("body", models.TextField(null=True)),
                        ("body_digest", models.CharField(max_length=64)),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [
                            models.Index(fields=["ticket_id", "id"], name="audit_event_ticket"),
                            models.Index(fields=["actor_id", "id"], name="audit_event_actor"),
                            models.Index(fields=["subject_kind", "subject_id", "id"], name="audit_event_subject"),
                            models.Index(fields=["kind", "id"], name="audit_event_kind"),
                        ],
                    },
                )
            ],
        )
    ]
