"""Similarity is searched over exemplars: a trigram index for wording, a full-text column for terms."""

from typing import ClassVar

from django.db import migrations

SIMILARITY = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
ALTER TABLE patterns_exemplar ADD COLUMN terms tsvector GENERATED ALWAYS AS (to_tsvector('english', text)) STORED;
CREATE INDEX patterns_exemplar_trigrams ON patterns_exemplar USING gist (text gist_trgm_ops);
CREATE INDEX patterns_exemplar_terms ON patterns_exemplar USING gin (terms);
"""


class Migration(migrations.Migration):
    """Indexes over exemplars."""

    dependencies: ClassVar = [("patterns", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(
            SIMILARITY, "DROP INDEX patterns_exemplar_trigrams; ALTER TABLE patterns_exemplar DROP COLUMN terms;"
        )
    ]
