"""What a proof showed stays: whoever may write it down does so once, when the proof ends."""

from typing import ClassVar

from django.db import migrations

RULES = """
CREATE FUNCTION playbooks_proof_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.plan_id, NEW.revision_id, NEW.role, NEW.host) IS DISTINCT FROM
       (OLD.plan_id, OLD.revision_id, OLD.role, OLD.host) THEN
        RAISE EXCEPTION 'a proof is about what it was asked for' USING ERRCODE = '23514',
            CONSTRAINT = 'playbooks_proof_stays';
    END IF;
    IF (NEW.text, NEW.digest) IS DISTINCT FROM (OLD.text, OLD.digest)
       AND (OLD.status <> 'under_way' OR NEW.status = 'under_way') THEN
        RAISE EXCEPTION 'what a proof showed is written as it ends, and stays' USING ERRCODE = '23514',
            CONSTRAINT = 'playbooks_proof_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER playbooks_proof_stays BEFORE UPDATE ON playbooks_proof
    FOR EACH ROW EXECUTE FUNCTION playbooks_proof_stays();
"""
UNDO = """
DROP TRIGGER playbooks_proof_stays ON playbooks_proof;
DROP FUNCTION playbooks_proof_stays();
"""


class Migration(migrations.Migration):
    """Not even `execution`, which makes proofs, can say another thing of one later."""

    dependencies: ClassVar = [("playbooks", "0004_play_settled_at")]
    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
