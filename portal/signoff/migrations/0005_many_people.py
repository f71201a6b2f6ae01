"""Quorum, delegations, certificates and duties; a vote says in whose stead, for how long and until when."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import portal.signoff.states
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Votes from before were everybody's own, and have to be given again."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("estate", "0001_initial"),
        ("signoff", "0004_votes_decide"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Certificate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pattern_id", models.BigIntegerField()),
                ("pattern_name", models.TextField()),
                ("action", models.TextField()),
                ("environment", models.TextField()),
                ("evidence", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("granted_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoke_reason", models.TextField(default="")),
                ("revoked_by", models.TextField(default="")),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Duty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("severity", models.CharField(max_length=10)),
                ("remind_after_minutes", models.PositiveIntegerField(default=15)),
                ("escalate_after_minutes", models.PositiveIntegerField(default=30)),
            ],
            options={
                "verbose_name_plural": "duties",
                "ordering": ["severity", "category"],
            },
        ),
        migrations.CreateModel(
            name="QuorumRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "stage",
                    models.CharField(
                        choices=[("merge", "merge"), ("rollout", "rollout"), ("grant", "grant"), ("skip", "skip")],
                        max_length=10,
                    ),
                ),
                ("risk", models.CharField(blank=True, default="", max_length=20)),
                ("severity", models.CharField(blank=True, default="", max_length=10)),
                ("needed", models.PositiveSmallIntegerField(default=1)),
            ],
            options={
                "ordering": ["stage", "category", "risk", "severity", "id"],
            },
        ),
        migrations.AddField(
            model_name="freeze",
            name="ended_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="freeze",
            name="ended_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="needed_groups",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="severity",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="plan",
            name="votes_last_minutes",
            field=models.PositiveIntegerField(default=240),
        ),
        migrations.AddField(
            model_name="vote",
            name="expires_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="vote",
            name="groups",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="vote",
            name="principal",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL("UPDATE signoff_vote SET principal_id = person_id", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="vote",
            name="principal",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="vote",
            name="runs_from",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="vote",
            name="runs_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="vote",
            name="sheet",
            field=models.CharField(default="", max_length=64),
        ),
        migrations.AlterField(
            model_name="plan",
            name="stage",
            field=models.CharField(
                choices=[("merge", "merge"), ("rollout", "rollout"), ("grant", "grant"), ("skip", "skip")],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="plan",
            name="ticket_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="plan",
            name="ticket_key",
            field=models.TextField(default=""),
        ),
        migrations.AddIndex(
            model_name="plan",
            index=models.Index(
                condition=models.Q(
                    ("status", portal.signoff.states.PlanStatus["OPEN"]),
                    models.Q(
                        ("stage", portal.signoff.states.Stage["ROLLOUT"]),
                        ("status", portal.signoff.states.PlanStatus["SIGNED"]),
                    ),
                    _connector="OR",
                ),
                fields=["valid_until"],
                name="signoff_plan_may_expire",
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="asked_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="estate.category"
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="plan",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="certificate", to="signoff.plan"
            ),
        ),
        migrations.AddField(
            model_name="vote",
            name="certificate",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="votes", to="signoff.certificate"
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="category",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="estate.category",
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="from_person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="delegations_given",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="to_person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="delegations_received",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="vote",
            name="delegation",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="votes", to="signoff.delegation"
            ),
        ),
        migrations.AddConstraint(
            model_name="vote",
            constraint=models.UniqueConstraint(fields=("plan", "principal"), name="one_vote_per_principal"),
        ),
        migrations.AddConstraint(
            model_name="vote",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("at"))), name="vote_lasts"
            ),
        ),
        migrations.AddConstraint(
            model_name="vote",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("runs_from", None), ("runs_until", None)),
                    models.Q(
                        ("runs_from__isnull", False),
                        ("runs_until__gt", models.F("runs_from")),
                        ("runs_until__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="vote_window_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="vote",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("delegation", None), ("principal", models.F("person"))),
                    models.Q(
                        ("certificate", None),
                        ("delegation__isnull", False),
                        models.Q(("principal", models.F("person")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="vote_for_another_needs_delegation",
            ),
        ),
        migrations.AddField(
            model_name="duty",
            name="approver",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="duty",
            name="backup",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="duty",
            name="category",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="estate.category",
            ),
        ),
        migrations.AddField(
            model_name="quorumrule",
            name="category",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="estate.category",
            ),
        ),
        migrations.AddField(
            model_name="quorumrule",
            name="group",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="auth.group"
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("granted_at__isnull", False), ("revoked_at", None)),
                fields=("pattern_id", "action", "environment"),
                name="one_certificate_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="delegation_ends_after_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("from_person", models.F("to_person")), _negated=True),
                name="delegation_is_to_somebody_else",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.UniqueConstraint(
                fields=("severity", "category"),
                name="one_duty_per_severity",
                nulls_distinct=False,
                violation_error_message="There is a duty for this case already; change that one.",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(("approver", models.F("backup")), _negated=True),
                name="the_backup_is_somebody_else",
                violation_error_message="The backup is somebody else.",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(("escalate_after_minutes__gte", models.F("remind_after_minutes"))),
                name="escalation_follows_reminder",
                violation_error_message="The backup is asked when or after the first one is reminded.",
            ),
        ),
        migrations.AddConstraint(
            model_name="quorumrule",
            constraint=models.UniqueConstraint(
                fields=("stage", "category", "risk", "severity", "group"),
                name="one_quorum_rule_per_case",
                violation_error_message="There is such a rule already; change that one.",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="quorumrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("needed__gte", 1), ("needed__lte", 9)), name="quorum_is_one_to_nine"
            ),
        ),
    ]
