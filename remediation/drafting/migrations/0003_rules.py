"""The database refuses a change of status that the table of states does not list."""

from typing import ClassVar

from django.db import migrations

from portal.kit import transitions
from remediation.drafting.states import NEXT


class Migration(migrations.Migration):
    """Transition trigger of remediations."""

    dependencies: ClassVar = [("drafting", "0002_initial")]
    operations: ClassVar = [
        migrations.RunSQL(
            transitions.trigger_sql("drafting_remediation", "status", NEXT),
            transitions.drop_sql("drafting_remediation", "status"),
        )
    ]
