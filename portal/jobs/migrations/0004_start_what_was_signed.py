"""The general cluster signs under certificates, so it asks for the run of what it signed: that job and no other.

Starting allows nothing by itself: the claim looks at the plan, its votes and the certificate again. Every other job of
the execution queue stays out of reach, above all one that says which emergency stop was released.
"""

from typing import ClassVar

from django.db import migrations

ROLE = "replace(current_user, 'countersign_', '')"
ASKS = f"jobs_may_ask({ROLE}, kind, queue) AND state = 'waiting' AND attempts = 0"
STARTS = f"({ROLE} = 'general' AND queue = 'execution' AND kind = 'execution.start' AND payload = '{{}}')"
RULES = f"""
DROP POLICY enqueues_where_it_may ON jobs_job;
CREATE POLICY enqueues_where_it_may ON jobs_job FOR INSERT
    WITH CHECK ((jobs_may_enqueue({ROLE}, queue) OR {STARTS}) AND {ASKS});
"""
UNDO = f"""
DROP POLICY enqueues_where_it_may ON jobs_job;
CREATE POLICY enqueues_where_it_may ON jobs_job FOR INSERT WITH CHECK (jobs_may_enqueue({ROLE}, queue) AND {ASKS});
"""


class Migration(migrations.Migration):
    """One policy, one exception."""

    dependencies: ClassVar = [("jobs", "0003_kinds")]
    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
