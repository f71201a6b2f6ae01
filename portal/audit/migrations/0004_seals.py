"""What proves the trail: who wrote a row as the database saw it, the chain of seals, and retention that leaves proof."""

from typing import ClassVar

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact

import portal.audit.models

STAMPS = """
CREATE FUNCTION audit_xid_base() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 0::bigint';
ALTER TABLE audit_event
    ADD COLUMN written_by text NOT NULL DEFAULT session_user,
    ALTER COLUMN xid SET DEFAULT (pg_current_xact_id()::text)::bigint + audit_xid_base();
"""
UNDO_STAMPS = """
ALTER TABLE audit_event
    DROP COLUMN written_by,
    ALTER COLUMN xid SET DEFAULT (pg_current_xact_id()::text)::bigint;
DROP FUNCTION audit_xid_base();
"""
VOICES = """
DROP POLICY clusters_speak_for_themselves ON audit_event;
CREATE POLICY clusters_speak_for_themselves ON audit_event FOR INSERT WITH CHECK (
    current_user = 'countersign_web'
    OR (door = 'job' AND actor_kind = 'system' AND actor_id IS NULL)
    OR (door = 'job' AND actor_kind = 'machine' AND current_user = 'countersign_general')
);
"""
UNDO_VOICES = """
DROP POLICY clusters_speak_for_themselves ON audit_event;
CREATE POLICY clusters_speak_for_themselves ON audit_event FOR INSERT
    WITH CHECK (current_user = 'countersign_web' OR (actor_kind = 'system' AND actor_id IS NULL AND door = 'job'));
"""
# Walks upwards by id, so that what was gone over is not read again; a lifted hold is gone over by its ticket.
DROP_BODIES = """
INSERT INTO audit_retention (id, days, dropped_below) VALUES (1, NULL, 0);
CREATE FUNCTION audit_drop_bodies(batch integer, OUT dropped integer, OUT walked integer, OUT older_than timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    policy audit_retention%ROWTYPE;
    beyond bigint;
    lifted audit_legalhold%ROWTYPE;
    more integer;
BEGIN
    SELECT * INTO policy FROM audit_retention WHERE id = 1 FOR UPDATE;
    dropped := 0;
    walked := 0;
    IF policy.days IS NULL THEN
        RETURN;
    END IF;
    older_than := clock_timestamp() - make_interval(days => policy.days);
    SELECT count(*), max(id) + 1 INTO walked, beyond FROM (
        SELECT id, bool_and(recorded_at < older_than) OVER (ORDER BY id) AS is_old FROM (
            SELECT id, recorded_at FROM audit_event WHERE id >= policy.dropped_below ORDER BY id LIMIT batch
        ) AS next
    ) AS aged WHERE is_old;
    IF walked > 0 THEN
        UPDATE audit_event SET body = NULL
        WHERE id >= policy.dropped_below AND id < beyond AND body IS NOT NULL AND kind NOT LIKE 'audit.%'
          AND NOT EXISTS (SELECT FROM audit_legalhold hold
                          WHERE hold.ticket_id = audit_event.ticket_id AND hold.lifted_at IS NULL);
        GET DIAGNOSTICS dropped = ROW_COUNT;
        UPDATE audit_retention SET dropped_below = beyond WHERE id = 1;
        policy.dropped_below := beyond;
    END IF;
    FOR lifted IN SELECT * FROM audit_legalhold WHERE lifted_at IS NOT NULL AND NOT is_settled LOOP
        UPDATE audit_event SET body = NULL
        WHERE ticket_id = lifted.ticket_id AND id < policy.dropped_below AND recorded_at < older_than
          AND body IS NOT NULL AND kind NOT LIKE 'audit.%'
          AND NOT EXISTS (SELECT FROM audit_legalhold hold
                          WHERE hold.ticket_id = audit_event.ticket_id AND hold.lifted_at IS NULL);
        GET DIAGNOSTICS more = ROW_COUNT;
        dropped := dropped + more;
        UPDATE audit_legalhold SET is_settled = true WHERE id = lifted.id;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION audit_drop_bodies(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_drop_bodies(integer) TO countersign_general;
"""


def counted(function: str, column: str) -> Func:
    return Func(F(column), function=function, output_field=models.IntegerField())


class Migration(migrations.Migration):
    """Seals, retention, holds; and the indexes for sealing, for times and for rare doors."""

    dependencies: ClassVar = [("audit", "0003_own_voice")]
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(STAMPS, UNDO_STAMPS), migrations.RunSQL(VOICES, UNDO_VOICES)],
            state_operations=[
                migrations.AddField("event", "xid", portal.audit.models.StampedNumber()),
                migrations.AddField("event", "recorded_at", portal.audit.models.StampedTime()),
                migrations.AddField("event", "written_by", portal.audit.models.StampedText()),
            ],
        ),
        migrations.AddIndex("event", models.Index(fields=["at", "id"], name="audit_event_at")),
        migrations.AddIndex("event", models.Index(fields=["xid", "id"], name="audit_event_xid")),
        migrations.AddIndex(
            "event",
            models.Index(
                fields=["door", "id"], condition=Q(door__in=["api", "admin", "command"]), name="audit_event_door"
            ),
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("previous", models.CharField(max_length=64, unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("until_xid", models.BigIntegerField()),
                ("open_xids", django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), size=None)),
                ("size", models.PositiveIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
                ("key", models.CharField(max_length=64)),
                ("signature", models.CharField(max_length=128)),
                ("event_ids", django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), size=None)),
                ("leaves", models.BinaryField()),
            ],
            options={
                "ordering": ["number"],
                "indexes": [models.Index(fields=["until_xid", "number"], name="audit_seal_until")],
                "constraints": [
                    models.CheckConstraint(condition=Q(number__gte=1, size__gte=1), name="audit_seal_holds_something"),
                    models.CheckConstraint(
                        condition=Exact(counted("cardinality", "event_ids"), F("size"))
                        & Exact(counted("octet_length", "leaves"), F("size") * 32),
                        name="audit_seal_has_a_leaf_per_event",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Retention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("days", models.PositiveIntegerField(blank=True, null=True)),
                ("dropped_below", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(pk=1), name="audit_retention_is_one_row"),
                    models.CheckConstraint(condition=Q(days__gte=30), name="audit_retention_is_not_too_short"),
                ]
            },
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ticket_id", models.BigIntegerField()),
                ("ticket_key", models.TextField()),
                ("reason", models.TextField()),
                ("placed_by", models.TextField()),
                ("placed_at", models.DateTimeField()),
                ("lifted_by", models.TextField(default="")),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lift_reason", models.TextField(default="")),
                (
                    "is_settled",
                    models.BooleanField(
                        default=False, help_text="Retention has been over the ticket since it was lifted."
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["id"],
                        condition=Q(lifted_at__isnull=False, is_settled=False),
                        name="audit_legalhold_unsettled",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["ticket_id"], condition=Q(lifted_at=None), name="audit_legalhold_once_at_a_time"
                    )
                ],
            },
        ),
        migrations.RunSQL(DROP_BODIES, "DROP FUNCTION audit_drop_bodies(integer)"),
    ]
