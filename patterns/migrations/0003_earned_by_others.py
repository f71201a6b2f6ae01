"""The cluster that drafts cannot make a record for its own drafts: it counts tickets, others add how they went."""

from typing import ClassVar

from django.db import migrations

RULES = """
ALTER TABLE patterns_occurrence ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON patterns_occurrence FOR SELECT USING (true);
CREATE POLICY drafting_only_sees ON patterns_occurrence FOR INSERT
    WITH CHECK (current_user <> 'countersign_drafting' OR kind = 'seen');
ALTER TABLE patterns_pattern ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON patterns_pattern FOR SELECT USING (true);
CREATE POLICY figures_are_folded ON patterns_pattern FOR UPDATE USING (true);
CREATE POLICY nothing_begins_eligible ON patterns_pattern FOR INSERT WITH CHECK (NOT is_eligible);
"""
UNDO = """
DROP POLICY everybody_reads ON patterns_occurrence;
DROP POLICY drafting_only_sees ON patterns_occurrence;
ALTER TABLE patterns_occurrence DISABLE ROW LEVEL SECURITY;
DROP POLICY everybody_reads ON patterns_pattern;
DROP POLICY figures_are_folded ON patterns_pattern;
DROP POLICY nothing_begins_eligible ON patterns_pattern;
ALTER TABLE patterns_pattern DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    """Row policies; they bind the runtime roles, not the owner."""

    dependencies: ClassVar = [("patterns", "0002_similarity")]

    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
