"""A proof is made by going through its states: nobody writes one down that has ended already."""

from typing import ClassVar

from django.db import migrations

RULES = """
CREATE FUNCTION playbooks_proof_begins_asked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.status, NEW.text, NEW.digest) IS DISTINCT FROM ('asked', '', '') THEN
        RAISE EXCEPTION 'a proof begins as asked' USING ERRCODE = '23514', CONSTRAINT = 'playbooks_proof_begins_asked';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER playbooks_proof_begins_asked BEFORE INSERT ON playbooks_proof
    FOR EACH ROW EXECUTE FUNCTION playbooks_proof_begins_asked();
"""
UNDO = """
DROP TRIGGER playbooks_proof_begins_asked ON playbooks_proof;
DROP FUNCTION playbooks_proof_begins_asked();
"""


class Migration(migrations.Migration):
    """Whoever may ask for a proof, as `web` does, cannot say that one held."""

    dependencies: ClassVar = [("playbooks", "0002_repository")]
    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
