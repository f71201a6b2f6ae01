"""The states of a letter, kept by the database, and the one outlet that every installation has: the mail server."""

from typing import ClassVar

from django.db import migrations

from portal.kit import transitions
from portal.notices.states import NEXT

MAIL = """
INSERT INTO notices_outlet (channel, name, url, kinds, is_enabled, failures, error, created_at)
VALUES ('mail', 'E-mail', '', '{}', true, 0, '', now())
"""


class Migration(migrations.Migration):
    """What Django cannot declare."""

    dependencies: ClassVar = [("notices", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(
            transitions.trigger_sql("notices_letter", "state", NEXT), transitions.drop_sql("notices_letter", "state")
        ),
        migrations.RunSQL(MAIL, migrations.RunSQL.noop),
    ]
