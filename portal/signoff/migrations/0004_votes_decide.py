"""A plan is signed by its votes and by nothing else, and a stop is released by another person: also by hand in SQL."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import F, Q

RULES = """
CREATE FUNCTION signoff_plan_votes_decide() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.status <> 'open' THEN
        RAISE EXCEPTION 'a plan begins open' USING ERRCODE = '23514', CONSTRAINT = 'signoff_plan_begins_open';
    END IF;
    IF TG_OP = 'INSERT' AND NEW.stage = 'rollout' AND NOT EXISTS (
        SELECT FROM signoff_plan merge
        WHERE merge.id = NEW.merge_plan_id AND merge.stage = 'merge' AND merge.status = 'signed'
          AND (merge.subject_kind, merge.subject_id) = (NEW.subject_kind, NEW.subject_id)
          AND NEW.makers @> merge.makers
    ) THEN
        RAISE EXCEPTION 'a rollout follows a signed merge plan of the same makers'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_rollout_follows_merge';
    END IF;
    IF NEW.status = 'signed' AND (SELECT count(*) FROM signoff_vote WHERE plan_id = NEW.id) < NEW.needed THEN
        RAISE EXCEPTION 'a plan is signed by its votes'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_plan_has_its_votes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signoff_plan_votes_decide BEFORE INSERT OR UPDATE OF status ON signoff_plan
    FOR EACH ROW EXECUTE FUNCTION signoff_plan_votes_decide();
"""
UNDO = """
DROP TRIGGER signoff_plan_votes_decide ON signoff_plan;
DROP FUNCTION signoff_plan_votes_decide();
"""


class Migration(migrations.Migration):
    """Laws 4 and 9 where no cluster gets around them."""

    dependencies: ClassVar = [("signoff", "0003_freeze_says_why")]
    operations: ClassVar = [
        migrations.RunSQL(RULES, UNDO),
        migrations.AddConstraint(
            model_name="stop",
            constraint=models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=F("engaged_by")), name="stop_released_by_another"
            ),
        ),
    ]
