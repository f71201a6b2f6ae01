"""What changed since somebody looked: from the plan they read to the one that stands now (law 3)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import Group

from portal.access.models import Person
from portal.kit.diff import Diff, diff_of
from portal.kit.refusals import StaleTransition
from portal.signoff.models import Plan
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.review import draft_text, plans, standing
from remediation.review.changing import Change, changes_of


def explained(stale: StaleTransition, remediation: Remediation, digest: str) -> StaleTransition:
    """The same refusal, saying what changed since the person read the plan with this digest."""
    changes = since(remediation, digest)
    return StaleTransition(*stale.reasons, link=stale.link, more=members(changes)) if changes else stale


def members(changes: list[Change]) -> dict[str, Any]:
    """Changes as the extension member of a problem document."""
    return {"changes": [asdict(change) for change in changes]}


def since(remediation: Remediation, digest: str) -> list[Change]:
    """What differs between the plan with this digest and the one that stands now, or the draft where none does."""
    seen, now = _read(remediation, digest), standing.plan_of(remediation)
    if seen is None or (now and now.digest == seen.digest):
        return []
    if now:
        return changes_of(seen.content, now.content, names=_names(seen, now))
    head = remediations.head(remediation)
    content = plans.read(seen.content)
    if head is None or head.number == content.revision:
        return []
    by = f" by {head.author}" if head.author else ""
    return [Change("Draft", "revision", str(content.revision), f"{head.number}{by}")]


def drafts_since(remediation: Remediation, digest: str) -> Diff | None:
    """The draft under the plan with this digest against the newest one; None where they are the same."""
    seen, head = _read(remediation, digest), remediations.head(remediation)
    if seen is None or head is None:
        return None
    content = plans.read(seen.content)
    read = remediation.revisions.filter(number=content.revision).first()
    if read is None or read.digest == head.digest:
        return None
    before, after = (draft_text.whole_of(schema.from_text(each.content)) for each in (read, head))
    return diff_of(before, after, path="draft.yml")


def _read(remediation: Remediation, digest: str) -> Plan | None:
    """The plan somebody read, if it is one of this remediation; anything else stays unknown."""
    ref = remediation.ref
    return Plan.objects.filter(subject_kind=ref.kind, subject_id=ref.id, digest=digest).last()


def _names(*both: Plan) -> dict[str, dict[int, str]]:
    makers = {pk for plan in both for pk in plan.makers}
    groups = {pk for plan in both for pk in plan.needed_groups}
    return {
        "makers": dict(Person.objects.filter(pk__in=makers).values_list("pk", "username")),
        "needed_groups": dict(Group.objects.filter(pk__in=groups).values_list("pk", "name")) if groups else {},
    }
