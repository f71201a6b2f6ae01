"""Rules that the database keeps: which state follows which, and which role may touch which queue (law 5)."""

from django.db import migrations

from portal.jobs.states import NEXT
from portal.kit import transitions

# The last word of a role's name is the process it serves; the owner passes row policies by owning the table.
ROLE = "replace(current_user, 'countersign_', '')"

POLICIES = f"""
CREATE FUNCTION jobs_may_enqueue(process text, queue text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE process
        WHEN 'web' THEN true
        WHEN 'drafting' THEN queue IN ('probe', 'general')
        WHEN 'probe' THEN queue IN ('probe', 'general')
        WHEN 'execution' THEN queue IN ('execution', 'probe', 'general')
        WHEN 'general' THEN queue <> 'execution'
        ELSE false
    END
$$;
ALTER TABLE jobs_job ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON jobs_job FOR SELECT USING (true);
CREATE POLICY enqueues_where_it_may ON jobs_job FOR INSERT
    WITH CHECK (jobs_may_enqueue({ROLE}, queue) AND state = 'waiting' AND attempts = 0);
-- Whoever may enqueue may lock a row, to join a job that waits; only the queue's own cluster changes it, and web revives.
-- The policy sees the new row only, so the trigger below it keeps anybody from moving a job into their own queue.
CREATE POLICY cluster_takes_its_own ON jobs_job FOR UPDATE
    USING (queue = {ROLE} OR jobs_may_enqueue({ROLE}, queue))
    WITH CHECK (queue = {ROLE} OR ({ROLE} = 'web' AND state = 'waiting'));
CREATE FUNCTION jobs_job_stays_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a job is about cannot change' USING ERRCODE = '23514', CONSTRAINT = 'jobs_job_stays_itself';
END $$;
CREATE TRIGGER jobs_job_stays_itself BEFORE UPDATE ON jobs_job FOR EACH ROW
    WHEN ((NEW.id, NEW.queue, NEW.kind, NEW.key, NEW.subject_id, NEW.payload, NEW.max_attempts, NEW.enqueued_at)
          IS DISTINCT FROM
          (OLD.id, OLD.queue, OLD.kind, OLD.key, OLD.subject_id, OLD.payload, OLD.max_attempts, OLD.enqueued_at))
    EXECUTE FUNCTION jobs_job_stays_itself();
CREATE POLICY general_forgets ON jobs_job FOR DELETE USING ({ROLE} = 'general' AND state = 'done');
-- Most rows are history: without this, the queue's index would fill with dead entries long before vacuum comes by.
ALTER TABLE jobs_job SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
"""

UNDO = """
DROP POLICY everybody_reads ON jobs_job;
DROP POLICY enqueues_where_it_may ON jobs_job;
DROP POLICY cluster_takes_its_own ON jobs_job;
DROP POLICY general_forgets ON jobs_job;
DROP TRIGGER jobs_job_stays_itself ON jobs_job;
DROP FUNCTION jobs_job_stays_itself();
ALTER TABLE jobs_job DISABLE ROW LEVEL SECURITY;
ALTER TABLE jobs_job RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
DROP FUNCTION jobs_may_enqueue(text, text);
"""


class Migration(migrations.Migration):
    """The rules beside the tables."""

    dependencies = [("jobs", "0001_initial")]
    operations = [
        migrations.RunSQL(
            transitions.trigger_sql("jobs_job", "state", NEXT), transitions.drop_sql("jobs_job", "state")
        ),
        migrations.RunSQL(POLICIES, UNDO),
    ]
