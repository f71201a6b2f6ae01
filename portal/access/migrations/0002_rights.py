"""What a person holds, as a function: the database plans such a join once per connection, not once per request."""

from typing import ClassVar

from django.db import migrations

RIGHTS = """
CREATE FUNCTION access_rights(who bigint) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
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
    """`estate.see_category` for a right everywhere, `estate.see_category/7` for one in the category with that id."""

    dependencies: ClassVar = [
        ("access", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("guardian", "0001_initial"),
    ]
    operations: ClassVar = [migrations.RunSQL(RIGHTS, "DROP FUNCTION access_rights(bigint)")]
