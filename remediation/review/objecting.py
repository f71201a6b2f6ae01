"""Sends a draft back to its author, with comments on its lines, or rejects it: what was signed is void."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.access.models import Person
from portal.audit import services as audit
from portal.kit.actors import Door
from portal.kit.refusals import Refused, StaleTransition, because
from portal.notices import services as notices
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.drafting.states import Status
from remediation.review import proposing, standing, taking
from remediation.review.models import Objection, Remark
from remediation.review.places import places_of
from remediation.review.preparing import APPROVED, return_to_review


@dataclass(frozen=True, slots=True)
class Said:
    """A comment on one place of the draft: “step 2, rollback” or “line 14”."""

    place: str
    comment: str


def request_changes(
    remediation_id: int,
    *,
    comment: str,
    person: Person,
    door: Door,
    at: datetime,
    said: Sequence[Said] = (),
    digest: str = "",
) -> Objection:
    """Send the draft back to its author: nothing of this revision is signed until a new one exists.

    Comments on places are about the revision with this digest; a newer one may have other lines.
    """
    objection = Objection(
        kind=Objection.Kind.CHANGES, reason=Objection.Reason.OTHER, comment=comment, person=person, at=at
    )
    return _object(remediation_id, objection, door, said=said, digest=digest)


def reject(remediation_id: int, *, reason: str, comment: str, person: Person, door: Door, at: datetime) -> Objection:
    """End the remediation; the reason is one of the taxonomy, the comment says it in words."""
    if reason not in Objection.Reason.values:
        text = f"Choose a reason: {', '.join(Objection.Reason.values)}."
        raise Refused(because("reason", text, "reason"))
    objection = Objection(kind=Objection.Kind.REJECTION, reason=reason, comment=comment, person=person, at=at)
    return _object(remediation_id, objection, door)


def _object(
    remediation_id: int, objection: Objection, door: Door, *, said: Sequence[Said] = (), digest: str = ""
) -> Objection:
    """Keep an objection to the newest revision; whatever was approved goes back to review."""
    said = [Said(each.place, each.comment.strip()) for each in said if each.comment.strip()]
    objection.comment = objection.comment.strip() or _summary(said)
    if not objection.comment:
        raise Refused(because("comment", "Say in a comment what is wrong.", "comment"))
    person, at = objection.person, objection.at
    actor = person.at(door)
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        standing.refuse_outsider(remediation, person)
        revision = remediations.head(remediation)
        if revision is None or remediation.status not in APPROVED | {Status.IN_REVIEW}:
            raise StaleTransition(because("not_in_review", f"The remediation is {remediation.status}."))
        objection.remediation, objection.revision = remediation, revision
        objection.save(force_insert=True)
        _keep_remarks(objection, revision, said, digest)
        return_to_review(remediation, reason=f"{person.username}: {objection.comment}", actor=actor, at=at)
        data = {
            "kind": objection.kind,
            "reason": objection.reason,
            "comment": objection.comment,
            "remarks": [{"place": each.place, "comment": each.comment} for each in said],
        }
        ticket = remediation.ticket
        audit.record("review.objected", actor=actor, at=at, subject=remediation.ref, ticket=ticket.ref, data=data)
        if objection.kind == Objection.Kind.REJECTION:
            remediations.move(remediation, Status.REJECTED, actor=actor, at=at, reason=objection.comment)
        _tell_makers(remediation, objection, at)
        taking.end(remediation, person, at=at)
    return objection


def _keep_remarks(objection: Objection, revision: Revision, said: Sequence[Said], digest: str) -> None:
    """The comments on places, each with the text it is about."""
    Remark.objects.bulk_create(
        Remark(objection=objection, place=each.place, quote=quote, comment=each.comment)
        for each, quote in quoted(revision, said, digest)
    )


def quoted(revision: Revision, said: Sequence[Said], digest: str) -> list[tuple[Said, str]]:
    """Comments with the text that each is about; refused where they are about another revision, or about nothing."""
    if not said:
        return []
    if digest != revision.digest:
        text = "Somebody saved a newer revision; its lines may be others. Read it, then comment."
        raise StaleTransition(because("newer_revision", text, "digest"))
    places = places_of(revision)
    if unknown := [each.place for each in said if each.place not in places]:
        raise Refused(because("place", f"The draft has no {', no '.join(unknown)}.", "remarks"))
    return [(each, places[each.place]) for each in said]


def _summary(said: Sequence[Said]) -> str:
    """What stands for the comment of somebody who commented on places only."""
    return "; ".join(f"{each.place}: {each.comment}" for each in said)


def _tell_makers(remediation: Remediation, objection: Objection, at: datetime) -> None:
    ticket = remediation.ticket
    makers = [each for each in proposing.people(proposing.makers_of(remediation)) if each.pk != objection.person_id]
    text = f"{ticket.key}: {objection.person} {objection.get_kind_display().lower()}: {objection.comment}"
    path, key = f"/tickets/{ticket.key}/review", f"objection:{objection.pk}"
    notices.tell(makers, kind="review", ticket_key=ticket.key, text=text, path=path, at=at, key=key)
