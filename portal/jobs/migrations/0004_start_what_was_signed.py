"""The general cluster asks for two jobs of the execution queue: a run of what it signed under a certificate, and
another look at a plan whose role it saw merged.

Starting allows nothing by itself: the claim looks at the plan, its votes, the certificate and the merge again. Every
other job of that queue stays out of reach, above all one that says which emergency stop was released.
"""

from typing import ClassVar

from django.db import migrations

ROLE = "replace(current_user, 'countersign_', '')"
ASKS = f"jobs_may_ask({ROLE}, kind, queue) AND state = 'waiting' AND attempts = 0"
KINDS = "('execution.start', 'execution.start_merged')"
STARTS = f"({ROLE} = 'general' AND queue = 'execution' AND kind IN {KINDS} AND payload = '{{}}')"
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
    """One policy, two exceptions."""

    dependencies: ClassVar = [("jobs", "0003_kinds")]
    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
