"""Canary proofs, plays and fences; the events of plays are partitioned by id range from the start."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import remediation.playbooks.states
from portal.kit import partitions, transitions
from remediation.playbooks.states import PLAY_NEXT, PROOF_NEXT

EVENTS = """
CREATE SEQUENCE playbooks_playevent_id_seq AS bigint;
CREATE TABLE playbooks_playevent (
    id bigint NOT NULL DEFAULT nextval('playbooks_playevent_id_seq') PRIMARY KEY,
    source varchar(80) NOT NULL,
    host text NOT NULL,
    part text NOT NULL,
    task text NOT NULL,
    place text NOT NULL,
    status varchar(12) NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL
) PARTITION BY RANGE (id);
ALTER SEQUENCE playbooks_playevent_id_seq OWNED BY playbooks_playevent.id;
CREATE INDEX playbooks_event_source ON playbooks_playevent (source, id);
"""


class Migration(migrations.Migration):
    """Proofs, plays, their events, fences."""

    initial = True

    dependencies: ClassVar = [
        ("drafting", "0004_origin"),
        ("signoff", "0008_plans_of_a_subject"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Fence",
            fields=[
                ("host", models.TextField(primary_key=True, serialize=False)),
                ("fence", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Play",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=80, unique=True)),
                ("host", models.TextField()),
                ("role", models.CharField(help_text="The digest of the role.", max_length=64)),
                (
                    "kind",
                    models.CharField(choices=[("apply", "Apply"), ("back_out", "Back-out")], max_length=10),
                ),
                ("fence", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(default=remediation.playbooks.states.PlayStatus["PLAYING"], max_length=10),
                ),
                ("says", models.TextField(default="")),
                ("before", models.TextField(default="")),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["host", "role", "-id"], name="playbooks_play_of_host")],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    EVENTS + partitions.extend_sql("playbooks_playevent"), partitions.drop_sql("playbooks_playevent")
                )
            ],
            state_operations=[
                migrations.CreateModel(
                    name="PlayEvent",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("source", models.CharField(max_length=80)),
                        ("host", models.TextField()),
                        ("part", models.TextField(help_text="The play: check, apply, second run and so on.")),
                        ("task", models.TextField()),
                        ("place", models.TextField(default="", help_text="File and line.")),
                        ("status", models.CharField(max_length=12)),
                        ("text", models.TextField(default="", help_text="Diff or message, with a cap.")),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [models.Index(fields=["source", "id"], name="playbooks_event_source")],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="Proof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(help_text="The digest of the role.", max_length=64)),
                ("host", models.TextField()),
                (
                    "status",
                    models.CharField(default=remediation.playbooks.states.ProofStatus["ASKED"], max_length=16),
                ),
                ("status_at", models.DateTimeField()),
                ("says", models.TextField(default="")),
                ("text", models.TextField(default="")),
                ("digest", models.CharField(default="", max_length=64)),
                ("fence", models.BigIntegerField(default=0)),
                ("asked_at", models.DateTimeField()),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proofs", to="signoff.plan"
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proofs", to="drafting.revision"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    remediation.playbooks.states.ProofStatus["ASKED"],
                                    remediation.playbooks.states.ProofStatus["UNDER_WAY"],
                                ],
                            )
                        ),
                        fields=("plan",),
                        name="a_plan_is_proven_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", remediation.playbooks.states.ProofStatus["HELD"]), _negated=True),
                            models.Q(("digest", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="a_proof_that_held_can_be_read",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            transitions.trigger_sql("playbooks_proof", "status", PROOF_NEXT),
            transitions.drop_sql("playbooks_proof", "status"),
        ),
        migrations.RunSQL(
            transitions.trigger_sql("playbooks_play", "status", PLAY_NEXT),
            transitions.drop_sql("playbooks_play", "status"),
        ),
    ]
