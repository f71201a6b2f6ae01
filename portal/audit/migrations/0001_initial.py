"""The event table, partitioned by id range from the start; retention drops bodies, never rows."""

from typing import ClassVar

from django.db import migrations, models

from portal.kit import partitions

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
"""


class Migration(migrations.Migration):
    """First tables of the room."""

    initial = True
    dependencies: ClassVar = []
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TABLE + partitions.extend_sql("audit_event"), partitions.drop_sql("audit_event"))
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
