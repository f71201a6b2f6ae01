"""Links that let people in. Until somebody else has confirmed who came by one, they look and open tickets, no more."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

RIGHTS = """
CREATE OR REPLACE FUNCTION access_rights(who bigint) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT type.app_label || '.' || permission.codename || coalesce('/' || held.object_pk, '')
          FROM (
            SELECT g.permission_id, NULL AS object_pk
              FROM access_person_groups m JOIN auth_group_permissions g ON g.group_id = m.group_id
             WHERE m.person_id = who
            UNION ALL
            SELECT permission_id, NULL FROM access_person_user_permissions WHERE person_id = who
            UNION ALL
            SELECT g.permission_id, g.object_pk
              FROM access_person_groups m JOIN guardian_groupobjectpermission g ON g.group_id = m.group_id
             WHERE m.person_id = who
            UNION ALL
            SELECT permission_id, object_pk FROM guardian_userobjectpermission WHERE user_id = who
          ) held
          JOIN auth_permission permission ON permission.id = held.permission_id
          JOIN django_content_type type ON type.id = permission.content_type_id
         WHERE permission.codename IN ('see_category', 'add_ticket') OR NOT EXISTS (
            SELECT FROM access_invitation WHERE person_id = who AND used_at IS NOT NULL AND confirmed_at IS NULL
         )
    );
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION access_rights(who bigint) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT type.app_label || '.' || permission.codename || coalesce('/' || held.object_pk, '')
          FROM (
            SELECT g.permission_id, NULL AS object_pk
              FROM access_person_groups m JOIN auth_group_permissions g ON g.group_id = m.group_id
             WHERE m.person_id = who
            UNION ALL
            SELECT permission_id, NULL FROM access_person_user_permissions WHERE person_id = who
            UNION ALL
            SELECT g.permission_id, g.object_pk
              FROM access_person_groups m JOIN guardian_groupobjectpermission g ON g.group_id = m.group_id
             WHERE m.person_id = who
            UNION ALL
            SELECT permission_id, object_pk FROM guardian_userobjectpermission WHERE user_id = who
          ) held
          JOIN auth_permission permission ON permission.id = held.permission_id
          JOIN django_content_type type ON type.id = permission.content_type_id
    );
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_password_column"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "issued_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("confirmed_at", None), ("used_at__isnull", False)),
                        fields=["person"],
                        name="access_unconfirmed",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("issued_by", models.F("person")), _negated=True),
                            models.Q(("confirmed_by", models.F("issued_by")), _negated=True),
                            models.Q(("confirmed_by", models.F("person")), _negated=True),
                        ),
                        name="access_invitation_takes_two",
                    )
                ],
            },
        ),
        migrations.RunSQL(RIGHTS, BEFORE),
    ]
