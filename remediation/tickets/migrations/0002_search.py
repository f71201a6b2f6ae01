"""Full text over title and description: a generated column, so that no code has to keep it up to date."""

from typing import ClassVar

from django.db import migrations

SEARCH = """
ALTER TABLE tickets_ticket ADD COLUMN search tsvector
    GENERATED ALWAYS AS (to_tsvector('simple', key || ' ' || title || ' ' || description)) STORED;
CREATE INDEX tickets_search ON tickets_ticket USING gin (search);
ALTER TABLE tickets_ticket ADD CONSTRAINT tickets_status CHECK (status IN (
    'processing', 'awaiting_review', 'awaiting_approval', 'executing', 'resolved', 'partially_remediated',
    'failed', 'needs_person', 'rejected', 'closed'));
"""


class Migration(migrations.Migration):
    """Search over tickets."""

    dependencies: ClassVar = [("tickets", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(
            SEARCH,
            "ALTER TABLE tickets_ticket DROP CONSTRAINT tickets_status; ALTER TABLE tickets_ticket DROP COLUMN search;",
        )
    ]
