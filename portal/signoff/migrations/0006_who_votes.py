"""Who votes in whose stead, what a machine may sign, and when a plan has the votes it needs: also by hand in SQL."""

from typing import ClassVar

from django.db import migrations

from portal.signoff.states import HARMLESS

RISKS = ", ".join(f"'{risk}'" for risk in HARMLESS)

STAGES = """
ALTER TABLE signoff_plan DROP CONSTRAINT signoff_plan_stage;
ALTER TABLE signoff_plan ADD CONSTRAINT signoff_plan_stage CHECK (stage IN ('merge', 'rollout', 'grant', 'skip'));
"""
UNDO_STAGES = """
ALTER TABLE signoff_plan DROP CONSTRAINT signoff_plan_stage;
ALTER TABLE signoff_plan ADD CONSTRAINT signoff_plan_stage CHECK (stage IN ('merge', 'rollout'));
"""

# Groups are the principal's own, nobody excluded lends or borrows a signature, and only a certificate lets a machine.
VOTES = f"""
ALTER TABLE signoff_vote ADD CONSTRAINT signoff_vote_not_for_excluded CHECK (principal_id <> ALL (excluded));

CREATE FUNCTION signoff_vote_is_somebodys() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    plan signoff_plan;
    is_machine boolean;
BEGIN
    SELECT * INTO plan FROM signoff_plan WHERE id = NEW.plan_id;
    SELECT bool_or(kind = 'machine') INTO is_machine FROM access_person WHERE id IN (NEW.person_id, NEW.principal_id);
    IF NOT is_machine AND current_user = 'countersign_general' THEN
        RAISE EXCEPTION 'a person signs at the portal'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_vote_by_person_at_portal';
    END IF;
    IF is_machine <> (NEW.certificate_id IS NOT NULL) OR (is_machine AND NOT EXISTS (
        SELECT FROM signoff_certificate certificate
        WHERE certificate.id = NEW.certificate_id AND certificate.category_id = plan.category_id
          AND certificate.granted_at <= NEW.at AND certificate.expires_at > NEW.at AND certificate.revoked_at IS NULL
          AND plan.risk IN ({RISKS}) AND plan.stage IN ('merge', 'rollout')
          AND plan.needed = 1 AND plan.needed_groups = '{{}}'
    )) THEN
        RAISE EXCEPTION 'a machine signs with a live certificate, people without'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_vote_of_machine_is_certified';
    END IF;
    IF NEW.delegation_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM signoff_delegation delegation
        WHERE delegation.id = NEW.delegation_id AND delegation.revoked_at IS NULL
          AND (delegation.from_person_id, delegation.to_person_id) = (NEW.principal_id, NEW.person_id)
          AND delegation.starts_at <= NEW.at AND delegation.ends_at > NEW.at
          AND coalesce(delegation.category_id, plan.category_id) = plan.category_id
    ) THEN
        RAISE EXCEPTION 'a vote for another needs their delegation'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_vote_is_delegated';
    END IF;
    IF EXISTS (
        SELECT unnest(NEW.groups) EXCEPT SELECT group_id FROM access_person_groups WHERE person_id = NEW.principal_id
    ) THEN
        RAISE EXCEPTION 'a vote names the groups its principal is in'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_vote_names_own_groups';
    END IF;
    IF NEW.expires_at > greatest(NEW.at + make_interval(mins => plan.votes_last_minutes), NEW.runs_until) THEN
        RAISE EXCEPTION 'a vote lasts as long as its plan says'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_vote_lasts_as_long';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signoff_vote_is_somebodys BEFORE INSERT ON signoff_vote
    FOR EACH ROW EXECUTE FUNCTION signoff_vote_is_somebodys();
"""
UNDO_VOTES = """
DROP TRIGGER signoff_vote_is_somebodys ON signoff_vote;
DROP FUNCTION signoff_vote_is_somebodys();
ALTER TABLE signoff_vote DROP CONSTRAINT signoff_vote_not_for_excluded;
"""

# As before, but for the quorum: votes that still count at that moment, and one of every group that is needed.
QUORUM = """
CREATE OR REPLACE FUNCTION signoff_plan_votes_decide() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF NEW.status = 'signed' AND (
        (SELECT count(*) FROM signoff_vote WHERE plan_id = NEW.id AND expires_at > NEW.status_at) < NEW.needed
        OR EXISTS (
            SELECT unnest(NEW.needed_groups)
            EXCEPT
            SELECT unnest(groups) FROM signoff_vote WHERE plan_id = NEW.id AND expires_at > NEW.status_at
        )
    ) THEN
        RAISE EXCEPTION 'a plan is signed by its votes'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_plan_has_its_votes';
    END IF;
    RETURN NEW;
END $$;
"""

CERTIFICATES = """
CREATE FUNCTION signoff_certificate_is_granted_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (NEW.granted_at IS NOT NULL OR NEW.revoked_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a certificate begins as a question'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_certificate_begins_asked';
    END IF;
    IF TG_OP = 'UPDATE' AND (
        (to_jsonb(NEW) - 'plan_id' - 'granted_at' - 'revoked_at' - 'revoke_reason' - 'revoked_by')
        IS DISTINCT FROM (to_jsonb(OLD) - 'plan_id' - 'granted_at' - 'revoked_at' - 'revoke_reason' - 'revoked_by')
        OR (OLD.plan_id IS NOT NULL AND NEW.plan_id IS DISTINCT FROM OLD.plan_id)
        OR (OLD.granted_at IS NOT NULL AND NEW.granted_at IS DISTINCT FROM OLD.granted_at)
        OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
    ) THEN
        RAISE EXCEPTION 'a certificate is granted once, revoked once and never changed'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_certificate_never_changes';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.granted_at IS DISTINCT FROM OLD.granted_at AND NOT EXISTS (
        SELECT FROM signoff_plan plan
        WHERE plan.id = NEW.plan_id AND plan.stage = 'grant' AND plan.status IN ('signed', 'claimed')
          AND (plan.subject_kind, plan.subject_id) = ('signoff.certificate', NEW.id)
          AND plan.category_id = NEW.category_id AND plan.makers @> ARRAY[NEW.asked_by_id]
    ) THEN
        RAISE EXCEPTION 'a certificate is granted by two people'
            USING ERRCODE = '23514', CONSTRAINT = 'signoff_certificate_granted_by_two';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signoff_certificate_is_granted_by_two BEFORE INSERT OR UPDATE ON signoff_certificate
    FOR EACH ROW EXECUTE FUNCTION signoff_certificate_is_granted_by_two();
"""
UNDO_CERTIFICATES = """
DROP TRIGGER signoff_certificate_is_granted_by_two ON signoff_certificate;
DROP FUNCTION signoff_certificate_is_granted_by_two();
"""


class Migration(migrations.Migration):
    """Law 4 for delegates, groups, machines and certificates."""

    dependencies: ClassVar = [("signoff", "0005_many_people"), ("access", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(STAGES, UNDO_STAGES),
        migrations.RunSQL(VOTES, UNDO_VOTES),
        migrations.RunSQL(QUORUM, migrations.RunSQL.noop),
        migrations.RunSQL(CERTIFICATES, UNDO_CERTIFICATES),
    ]
