"""What may start at once starts at once, though the clock of the host that asks for it is ahead of the database's."""

from typing import ClassVar

from django.db import migrations

RULES = """
CREATE FUNCTION jobs_job_starts_by_our_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.due_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER jobs_job_starts_by_our_clock BEFORE INSERT ON jobs_job FOR EACH ROW
    WHEN (NEW.due_at = NEW.enqueued_at AND NEW.due_at > clock_timestamp())
    EXECUTE FUNCTION jobs_job_starts_by_our_clock();
"""
UNDO = """
DROP TRIGGER jobs_job_starts_by_our_clock ON jobs_job;
DROP FUNCTION jobs_job_starts_by_our_clock();
"""


class Migration(migrations.Migration):
    """A trigger."""

    dependencies: ClassVar = [("jobs", "0005_dead_letters")]
    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
