"""The job ledger, schedules and the clusters' beats."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ClusterBeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue", models.TextField()),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "worker cluster",
                "ordering": ["queue", "host", "pid"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("queue", "host", "pid"), name="jobs_clusterbeat_one_row_per_cluster"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue", models.TextField()),
                ("kind", models.TextField()),
                ("subject_id", models.BigIntegerField(null=True)),
                ("payload", models.JSONField(default=dict)),
                ("key", models.TextField(null=True)),
                (
                    "state",
                    models.TextField(
                        choices=[("waiting", "waiting"), ("running", "running"), ("done", "done"), ("dead", "dead")],
                        default="waiting",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("max_attempts", models.PositiveSmallIntegerField(default=3)),
                ("fence", models.BigIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("enqueued_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("result", models.TextField(default="")),
                ("error", models.TextField(default="")),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["queue", "due_at", "id"], name="jobs_job_take"
                    ),
                    models.Index(
                        condition=models.Q(("state", "running")), fields=["queue", "leased_until"], name="jobs_job_lost"
                    ),
                    models.Index(condition=models.Q(("state", "dead")), fields=["id"], name="jobs_job_dead"),
                    models.Index(condition=models.Q(("state", "done")), fields=["finished_at"], name="jobs_job_old"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("queue__in", ("drafting", "probe", "execution", "general"))),
                        name="jobs_job_queue_exists",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "done", "dead"])),
                        name="jobs_job_state_exists",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("attempts__lte", models.F("max_attempts")),
                            ("fence__gte", models.F("attempts")),
                            ("max_attempts__gte", 1),
                        ),
                        name="jobs_job_attempts_are_bounded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("leased_until__isnull", False), ("started_at__isnull", False), ("state", "running")
                            ),
                            models.Q(models.Q(("state", "running"), _negated=True), ("leased_until__isnull", True)),
                            _connector="OR",
                        ),
                        name="jobs_job_is_leased_while_running",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["waiting", "running"]), ("finished_at__isnull", True)),
                            models.Q(
                                models.Q(("state__in", ["waiting", "running"]), _negated=True),
                                ("finished_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="jobs_job_end_has_a_time",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("kind", "key"),
                        name="jobs_job_one_waits_per_key",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running")),
                        fields=("kind", "key"),
                        name="jobs_job_one_runs_per_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField(unique=True)),
                ("kind", models.TextField()),
                ("every_seconds", models.PositiveIntegerField()),
                ("payload", models.JSONField(blank=True, default=dict)),
                ("next_at", models.DateTimeField()),
                ("is_enabled", models.BooleanField(default=True)),
                ("error", models.TextField(blank=True, default="")),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("every_seconds__gte", 5)), name="jobs_schedule_is_not_a_loop"
                    )
                ],
            },
        ),
    ]
