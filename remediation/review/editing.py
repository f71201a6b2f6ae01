"""What a reviewer does to a draft: a new revision, a tick on a REVIEW item."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.kit import canonical
from portal.kit.actors import Door
from portal.kit.refusals import Reason, Refused, StaleTransition, because
from remediation.drafting import roles, schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Drafter, Remediation, Revision
from remediation.review.checklist import items_of
from remediation.review.models import Tick
from remediation.review.preparing import CHECKABLE, return_to_review


def revise(
    remediation_id: int, *, draft: Mapping[str, Any], base_digest: str, person: Person, door: Door, at: datetime
) -> Revision:
    """A new revision on top of the one the person read; gates, decision and a fresh plan follow.

    Steps that apply the draft's role name it as it stands in this revision, whatever they named before. `base_digest`
    is the digest of the newest revision, or empty where a person writes the first one.
    """
    parsed = roles.recomposed(parse(draft))
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        grants.require(person, "review", remediation.category)
        _refuse_wrong_state(remediation)
        remediations.refuse_while_run_waits(remediation)
        base = remediations.head(remediation)
        _refuse_old_base(base, base_digest)
        if base and canonical.digest_of(schema.text_of(parsed)) == base.digest:
            raise Refused(
                because("unchanged", "This is the newest revision, word for word. Nothing was changed.", "draft")
            )
        return_to_review(remediation, reason=f"{person.username} edited the draft.", actor=person.at(door), at=at)
        return remediations.add_revision(
            remediation,
            draft=parsed,
            drafter=Drafter.PERSON,
            author=person,
            base=base,
            actor=person.at(door),
            at=at,
        )


def cut(remediation_id: int, *, number: int, base_digest: str, person: Person, door: Door, at: datetime) -> Revision:
    """Take one step out of the draft that the person read. That is an edit: whoever cuts becomes a maker."""
    remediation = Remediation.objects.select_related("category").get(pk=remediation_id)
    grants.require(person, "review", remediation.category)
    head = remediations.head(remediation)
    steps = schema.from_text(head.content).steps if head else []
    if head is None or not 1 <= number <= len(steps):
        raise StaleTransition(because("no_such_step", f"The draft has no step {number} any more.", "step"))
    if len(steps) == 1:
        raise Refused(because("only_step", "It is the only step. Reject the draft instead.", "step"))
    draft = schema.from_text(head.content).model_dump(mode="json")
    del draft["steps"][number - 1]
    return revise(remediation_id, draft=draft, base_digest=base_digest, person=person, door=door, at=at)


def parse(data: Mapping[str, Any]) -> schema.Draft:
    """The draft, or Refused with every field that does not fit the closed schema."""
    try:
        return schema.parse(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise Refused(*(_reason(detail["loc"], detail["msg"], detail["type"]) for detail in details)) from None


def tick(remediation_id: int, *, item: str, is_confirmed: bool, person: Person, door: Door, at: datetime) -> None:
    """Confirm one REVIEW item of the newest revision, or take the confirmation back."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        grants.require(person, "review", remediation.category)
        _refuse_wrong_state(remediation)
        items = {each.item: each for each in items_of(remediations.head(remediation))}
        if item not in items:
            raise StaleTransition(because("no_such_item", "The draft changed; this REVIEW item is gone.", "item"))
        Tick.objects.create(remediation=remediation, item=item, person=person, is_confirmed=is_confirmed, at=at)
        data = {"item": item, "step": items[item].number, "place": items[item].place, "confirmed": is_confirmed}
        ticket = remediation.ticket.ref
        audit.record("review.ticked", actor=person.at(door), at=at, subject=remediation.ref, ticket=ticket, data=data)


def _refuse_wrong_state(remediation: Remediation) -> None:
    if remediation.status not in CHECKABLE:
        raise StaleTransition(
            because("not_in_review", f"The remediation is {remediation.status}; it is not under review.")
        )


def _refuse_old_base(base: Revision | None, base_digest: str) -> None:
    if base_digest != (base.digest if base else ""):
        raise StaleTransition(
            because("newer_revision", "Somebody saved a newer revision. Read it, then edit that one.", "base_digest")
        )


def _reason(loc: tuple[int | str, ...], message: str, code: str) -> Reason:
    place = "draft" + "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc)
    said = "This is empty" if code == "string_too_short" else message
    return Reason(code, f"{place}: {said}.", place)
