"""No cluster records anything under the name of another one, and the model's cluster under its own name only."""

from typing import ClassVar

from django.db import migrations

# `patterns` is the room that places a new ticket, in the drafting cluster. The site speaks for people and is not bound.
RULE = """
CREATE POLICY nobody_speaks_for_another ON audit_event AS RESTRICTIVE FOR INSERT WITH CHECK (
    current_user = 'countersign_web'
    OR actor_name = replace(current_user, 'countersign_', '')
    OR CASE current_user
        WHEN 'countersign_drafting' THEN actor_name = 'patterns'
        ELSE actor_name NOT IN ('web', 'drafting', 'probe', 'execution', 'general')
    END
);
"""


class Migration(migrations.Migration):
    """One more row policy; all of them have to agree."""

    dependencies: ClassVar = [("audit", "0004_seals")]
    operations: ClassVar = [
        migrations.RunSQL(RULE, "DROP POLICY nobody_speaks_for_another ON audit_event"),
    ]
