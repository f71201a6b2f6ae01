"""Finished tickets counted per category and day, by a trigger; what is finished already is counted here."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

COUNTING = """
CREATE FUNCTION policy_has_finished(t tickets_ticket) RETURNS boolean LANGUAGE sql STABLE
  SET search_path = pg_catalog, public RETURN
  t.finished_at IS NOT NULL AND t.status IN ('resolved', 'partially_remediated', 'failed', 'rejected', 'closed');

CREATE FUNCTION policy_was_resolved(t tickets_ticket) RETURNS boolean LANGUAGE sql STABLE
  SET search_path = pg_catalog, public RETURN
  t.status = 'resolved' OR t.status = 'closed' AND EXISTS (
    SELECT FROM drafting_remediation r WHERE r.ticket_id = t.id AND r.status = 'succeeded');

CREATE FUNCTION policy_day_of(t tickets_ticket) RETURNS date LANGUAGE sql IMMUTABLE
  SET search_path = pg_catalog, public RETURN (t.finished_at AT TIME ZONE 'UTC')::date;

CREATE FUNCTION policy_outcomes_counted()
  RETURNS TABLE (category_id bigint, day date, finished bigint, resolved bigint) LANGUAGE sql STABLE
  SET search_path = pg_catalog, public AS $body$
  SELECT t.category_id, policy_day_of(t), count(*), count(*) FILTER (WHERE policy_was_resolved(t))
    FROM tickets_ticket t WHERE policy_has_finished(t) GROUP BY 1, 2
$body$;

CREATE FUNCTION policy_count_outcome() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public AS $body$
BEGIN
  IF TG_OP = 'UPDATE' AND policy_has_finished(OLD) THEN
    UPDATE policy_outcomeday SET finished = finished - 1, resolved = resolved - policy_was_resolved(OLD)::int
     WHERE category_id = OLD.category_id AND day = policy_day_of(OLD);
  END IF;
  IF policy_has_finished(NEW) THEN
    INSERT INTO policy_outcomeday AS kept (category_id, day, finished, resolved)
    VALUES (NEW.category_id, policy_day_of(NEW), 1, policy_was_resolved(NEW)::int)
    ON CONFLICT (category_id, day) DO UPDATE
       SET finished = kept.finished + 1, resolved = kept.resolved + excluded.resolved;
  END IF;
  RETURN NULL;
END
$body$;

CREATE TRIGGER policy_outcome_added AFTER INSERT ON tickets_ticket
  FOR EACH ROW WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION policy_count_outcome();
CREATE TRIGGER policy_outcome_changed AFTER UPDATE OF status, finished_at ON tickets_ticket
  FOR EACH ROW WHEN (OLD.finished_at IS NOT NULL OR NEW.finished_at IS NOT NULL)
  EXECUTE FUNCTION policy_count_outcome();

INSERT INTO policy_outcomeday (category_id, day, finished, resolved) SELECT * FROM policy_outcomes_counted();
"""
NO_COUNTING = """
DROP TRIGGER policy_outcome_added ON tickets_ticket;
DROP TRIGGER policy_outcome_changed ON tickets_ticket;
DROP FUNCTION policy_count_outcome();
DROP FUNCTION policy_outcomes_counted();
DROP FUNCTION policy_day_of(tickets_ticket);
DROP FUNCTION policy_was_resolved(tickets_ticket);
DROP FUNCTION policy_has_finished(tickets_ticket);
"""


class Migration(migrations.Migration):
    """A table, the functions that count, the trigger, and the days so far."""

    dependencies: ClassVar = [
        ("policy", "0002_machine_share"),
        ("drafting", "0003_rules"),
        ("estate", "0001_initial"),
        ("tickets", "0001_initial"),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="OutcomeDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("finished", models.PositiveIntegerField()),
                ("resolved", models.PositiveIntegerField()),
                (
                    "category",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="estate.category",
                    ),
                ),
            ],
            options={"ordering": ["category", "day"]},
        ),
        migrations.AddConstraint(
            model_name="outcomeday",
            constraint=models.UniqueConstraint(fields=("category", "day"), name="outcomes_are_counted_by_day"),
        ),
        migrations.RunSQL(COUNTING, NO_COUNTING),
    ]
