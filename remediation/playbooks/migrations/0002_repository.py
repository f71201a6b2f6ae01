"""Pull requests of proven roles, and what is known of the role repository."""

import django.db.models.deletion
import remediation.playbooks.repository.states
from django.db import migrations, models

from portal.kit import transitions
from remediation.playbooks.repository.states import REQUEST_NEXT


class Migration(migrations.Migration):
    dependencies = [
        ("drafting", "0004_origin"),
        ("estate", "0004_proofs"),
        ("playbooks", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RepositoryState",
            fields=[
                ("url", models.TextField(primary_key=True, serialize=False)),
                (
                    "commit",
                    models.CharField(
                        default="", help_text="The main branch, as the roles below were read.", max_length=64
                    ),
                ),
                ("looked_at", models.DateTimeField()),
                ("says", models.TextField(default="")),
            ],
        ),
        migrations.CreateModel(
            name="MergedRole",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.TextField(help_text="Its folder.", unique=True)),
                ("name", models.TextField()),
                ("tree", models.CharField(help_text="Git's name for the folder as it was read.", max_length=64)),
                ("content", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["path"],
                "indexes": [models.Index(fields=["name"], name="playbooks_role_name")],
            },
        ),
        migrations.CreateModel(
            name="PullRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("role_name", models.CharField(max_length=40)),
                ("role_digest", models.CharField(max_length=64)),
                ("proof_digest", models.CharField(max_length=64)),
                ("content", models.TextField()),
                (
                    "status",
                    models.CharField(
                        default=remediation.playbooks.repository.states.RequestStatus["OPENING"], max_length=10
                    ),
                ),
                ("status_at", models.DateTimeField()),
                (
                    "detail",
                    models.TextField(default="", help_text="What the repository said, where something is in the way."),
                ),
                ("branch", models.TextField(default="")),
                ("base_commit", models.CharField(default="", max_length=64)),
                ("head_commit", models.CharField(default="", max_length=64)),
                (
                    "seen_commit",
                    models.CharField(default="", help_text="The branch's newest commit, as last seen.", max_length=64),
                ),
                (
                    "forge_number",
                    models.TextField(default="", help_text="How the forge calls it; empty on a plain git remote."),
                ),
                ("url", models.TextField(default="")),
                ("merged_commit", models.CharField(default="", max_length=64)),
                ("merged_digest", models.CharField(default="", max_length=64)),
                ("merged_by", models.TextField(default="")),
                ("merged_at", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField()),
                ("opened_at", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                (
                    "category",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="estate.category",
                    ),
                ),
                (
                    "remediation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="drafting.remediation",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RequestComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("forge_id", models.TextField()),
                ("author", models.TextField()),
                ("text", models.TextField()),
                ("place", models.TextField(default="", help_text="File and line, where it is about one.")),
                ("at", models.DateTimeField()),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to="playbooks.pullrequest",
                    ),
                ),
            ],
            options={
                "ordering": ["request", "at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Managed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("path", "Path"), ("service", "Service"), ("package", "Package")], max_length=10
                    ),
                ),
                ("value", models.TextField()),
                ("file", models.TextField()),
                ("line", models.PositiveIntegerField()),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="managed", to="playbooks.mergedrole"
                    ),
                ),
            ],
            options={
                "ordering": ["role", "file", "line"],
                "indexes": [
                    models.Index(fields=["value"], name="playbooks_managed_value", opclasses=["text_pattern_ops"])
                ],
            },
        ),
        migrations.AddIndex(
            model_name="pullrequest",
            index=models.Index(
                condition=models.Q(("status", remediation.playbooks.repository.states.RequestStatus["MERGED"])),
                fields=["category", "-merged_at"],
                name="playbooks_merged",
            ),
        ),
        migrations.AddIndex(
            model_name="pullrequest",
            index=models.Index(
                condition=models.Q(("status", remediation.playbooks.repository.states.RequestStatus["OPEN"])),
                fields=["id"],
                name="playbooks_request_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="pullrequest",
            constraint=models.UniqueConstraint(fields=("remediation", "number"), name="pull_requests_are_numbered"),
        ),
        migrations.AddConstraint(
            model_name="pullrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            remediation.playbooks.repository.states.RequestStatus["OPEN"],
                            remediation.playbooks.repository.states.RequestStatus["OPENING"],
                        ],
                    )
                ),
                fields=("remediation",),
                name="one_open_pull_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="pullrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "status__in",
                            [
                                remediation.playbooks.repository.states.RequestStatus["OPEN"],
                                remediation.playbooks.repository.states.RequestStatus["MERGED"],
                            ],
                        ),
                        _negated=True,
                    ),
                    models.Q(("head_commit", ""), _negated=True),
                    _connector="OR",
                ),
                name="an_open_pull_request_has_a_commit",
            ),
        ),
        migrations.AddConstraint(
            model_name="requestcomment",
            constraint=models.UniqueConstraint(fields=("request", "forge_id"), name="a_comment_is_kept_once"),
        ),
        migrations.RunSQL(
            transitions.trigger_sql("playbooks_pullrequest", "status", REQUEST_NEXT),
            transitions.drop_sql("playbooks_pullrequest", "status"),
        ),
    ]
