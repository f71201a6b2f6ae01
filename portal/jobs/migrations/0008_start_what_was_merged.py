"""The general cluster sees roles merged, so it asks for another look at a plan that waits for that: a second exception.

Starting allows nothing by itself: the claim looks at the plan, its votes and the merge again. Every other job of the
execution queue stays out of reach.
"""

from typing import ClassVar

from django.db import migrations

ROLE = "replace(current_user, 'countersign_', '')"
ASKS = f"jobs_may_ask({ROLE}, kind, queue) AND state = 'waiting' AND attempts = 0"
BOTH = "('execution.start', 'execution.start_merged')"


def rules(kinds: str) -> str:
    """The policy that lets the general cluster ask for these kinds of the execution queue."""
    starts = f"({ROLE} = 'general' AND queue = 'execution' AND kind IN {kinds} AND payload = '{{}}')"
    return f"""
DROP POLICY enqueues_where_it_may ON jobs_job;
CREATE POLICY enqueues_where_it_may ON jobs_job FOR INSERT
    WITH CHECK ((jobs_may_enqueue({ROLE}, queue) OR {starts}) AND {ASKS});
"""


class Migration(migrations.Migration):
    """One policy, two exceptions."""

    dependencies: ClassVar = [("jobs", "0007_trace")]
    operations: ClassVar = [migrations.RunSQL(rules(BOTH), rules("('execution.start')"))]
