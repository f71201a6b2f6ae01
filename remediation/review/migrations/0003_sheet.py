"""What signers are shown, kept under the digest of its text; a vote names a sheet of its own plan or none.

A sheet that somebody signed stays. One that nobody signed may go once its plan is closed and its ticket is not held.
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

RULES = """
ALTER TABLE review_sheet ADD CONSTRAINT review_sheet_digest_is_of_text
    CHECK (digest = encode(sha256(convert_to(text, 'UTF8')), 'hex'));

CREATE FUNCTION review_vote_names_its_sheet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sheet <> '' AND NOT EXISTS (SELECT FROM review_sheet WHERE digest = NEW.sheet AND plan_id = NEW.plan_id) THEN
        RAISE EXCEPTION 'a vote names a sheet of its plan'
            USING ERRCODE = '23514', CONSTRAINT = 'review_vote_names_its_sheet';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER review_vote_names_its_sheet BEFORE INSERT ON signoff_vote
    FOR EACH ROW EXECUTE FUNCTION review_vote_names_its_sheet();

CREATE FUNCTION review_sheet_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM signoff_vote WHERE plan_id = OLD.plan_id AND sheet = OLD.digest)
       OR EXISTS (SELECT FROM signoff_plan WHERE id = OLD.plan_id AND status = 'open')
       OR EXISTS (SELECT FROM signoff_plan p JOIN audit_legalhold h ON h.ticket_id = p.ticket_id
                   WHERE p.id = OLD.plan_id AND h.lifted_at IS NULL) THEN
        RAISE EXCEPTION 'a sheet stays that somebody signed or can still sign, or whose ticket is held'
            USING ERRCODE = '23514', CONSTRAINT = 'review_sheet_stays';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER review_sheet_stays BEFORE DELETE ON review_sheet
    FOR EACH ROW EXECUTE FUNCTION review_sheet_stays();
"""
UNDO = """
DROP TRIGGER review_sheet_stays ON review_sheet;
DROP FUNCTION review_sheet_stays();
DROP TRIGGER review_vote_names_its_sheet ON signoff_vote;
DROP FUNCTION review_vote_names_its_sheet();
"""


class Migration(migrations.Migration):
    """The table, a digest that cannot lie, and votes that name no sheet of another plan."""

    dependencies: ClassVar = [("review", "0002_makers"), ("signoff", "0005_many_people")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Sheet",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("page", "Page"), ("api", "API")], max_length=4)),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sheets", to="signoff.plan"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(RULES, UNDO),
    ]
