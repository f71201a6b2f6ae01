"""A cluster records what it did itself: no row of the trail says that a person acted unless the site wrote it."""

from typing import ClassVar

from django.db import migrations

RULES = """
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON audit_event FOR SELECT USING (true);
CREATE POLICY clusters_speak_for_themselves ON audit_event FOR INSERT
    WITH CHECK (current_user = 'countersign_web' OR (actor_kind = 'system' AND actor_id IS NULL AND door = 'job'));
"""
UNDO = """
DROP POLICY everybody_reads ON audit_event;
DROP POLICY clusters_speak_for_themselves ON audit_event;
ALTER TABLE audit_event DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    """Row policies of the trail; they bind the runtime roles, not the owner."""

    dependencies: ClassVar = [("audit", "0002_search")]
    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
