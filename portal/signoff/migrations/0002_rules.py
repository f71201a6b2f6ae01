"""What Django cannot declare: a vote repeats its plan's excluded people and digest, and no excluded person has a vote."""

from typing import ClassVar

from django.db import migrations

from portal.kit import transitions
from portal.signoff.states import NEXT

RULES = """
ALTER TABLE signoff_plan ADD CONSTRAINT signoff_plan_as_seen UNIQUE (id, excluded, digest);
ALTER TABLE signoff_plan ADD CONSTRAINT signoff_plan_stage CHECK (stage IN ('merge', 'rollout'));
ALTER TABLE signoff_plan ADD CONSTRAINT signoff_rollout_names_merge
    CHECK ((stage = 'rollout') = (merge_plan_id IS NOT NULL));
ALTER TABLE signoff_plan ADD CONSTRAINT signoff_plan_digest_is_of_content
    CHECK (digest = encode(sha256(convert_to(content, 'UTF8')), 'hex'));
ALTER TABLE signoff_vote ADD CONSTRAINT signoff_vote_of_plan_as_seen
    FOREIGN KEY (plan_id, excluded, digest) REFERENCES signoff_plan (id, excluded, digest);
ALTER TABLE signoff_vote ADD CONSTRAINT signoff_vote_not_by_excluded CHECK (person_id <> ALL (excluded));

CREATE FUNCTION signoff_plan_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'status' - 'status_at' - 'void_reason')
       IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'status_at' - 'void_reason') THEN
        RAISE EXCEPTION 'a plan never changes' USING ERRCODE = '23514', CONSTRAINT = 'signoff_plan_is_immutable';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signoff_plan_is_immutable BEFORE UPDATE ON signoff_plan
    FOR EACH ROW EXECUTE FUNCTION signoff_plan_is_immutable();
"""
UNDO = """
DROP TRIGGER signoff_plan_is_immutable ON signoff_plan;
DROP FUNCTION signoff_plan_is_immutable();
ALTER TABLE signoff_vote DROP CONSTRAINT signoff_vote_not_by_excluded;
ALTER TABLE signoff_vote DROP CONSTRAINT signoff_vote_of_plan_as_seen;
ALTER TABLE signoff_plan DROP CONSTRAINT signoff_plan_digest_is_of_content;
ALTER TABLE signoff_plan DROP CONSTRAINT signoff_rollout_names_merge;
ALTER TABLE signoff_plan DROP CONSTRAINT signoff_plan_stage;
ALTER TABLE signoff_plan DROP CONSTRAINT signoff_plan_as_seen;
"""


class Migration(migrations.Migration):
    """Constraints and triggers of plans and votes."""

    dependencies: ClassVar = [("signoff", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(RULES, UNDO),
        migrations.RunSQL(
            transitions.trigger_sql("signoff_plan", "status", NEXT), transitions.drop_sql("signoff_plan", "status")
        ),
    ]
