"""Everybody who asked for a remediation or wrote a revision of it is a maker of its plans: the database looks."""

from typing import ClassVar

from django.db import migrations

RULES = """
CREATE FUNCTION review_plan_names_its_makers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.subject_kind = 'drafting.remediation' AND EXISTS (
        SELECT FROM drafting_remediation remediation JOIN tickets_ticket ticket ON ticket.id = remediation.ticket_id
        WHERE remediation.id = NEW.subject_id AND ticket.opened_by_id <> ALL (NEW.makers)
        UNION ALL
        SELECT FROM drafting_revision
        WHERE remediation_id = NEW.subject_id AND author_id <> ALL (NEW.makers)
    ) THEN
        RAISE EXCEPTION 'a plan names everybody who made it'
            USING ERRCODE = '23514', CONSTRAINT = 'review_plan_names_its_makers';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER review_plan_names_its_makers BEFORE INSERT ON signoff_plan
    FOR EACH ROW EXECUTE FUNCTION review_plan_names_its_makers();
"""
UNDO = """
DROP TRIGGER review_plan_names_its_makers ON signoff_plan;
DROP FUNCTION review_plan_names_its_makers();
"""


class Migration(migrations.Migration):
    """Law 4 begins with the list of makers."""

    dependencies: ClassVar = [
        ("review", "0001_initial"),
        ("signoff", "0004_votes_decide"),
        ("drafting", "0003_rules"),
        ("tickets", "0001_initial"),
    ]
    operations: ClassVar = [migrations.RunSQL(RULES, UNDO)]
