"""Comments on places of a draft that ask for nothing: they are kept, shown at their lines, and void no signature."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from portal.access.models import Person
from portal.audit import services as audit
from portal.kit.actors import Door
from portal.kit.refusals import Refused, StaleTransition, because
from portal.notices import services as notices
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import WAITING
from remediation.review import proposing, standing
from remediation.review.models import Comment
from remediation.review.objecting import Said, quoted


def comment(
    remediation_id: int, *, said: Sequence[Said], digest: str, person: Person, door: Door, at: datetime
) -> list[Comment]:
    """Keep comments on places of the revision with this digest, and tell its makers."""
    said = [Said(each.place, each.comment.strip()) for each in said if each.comment.strip()]
    if not said:
        raise Refused(because("comment", "Choose a line, and say something about it.", "comments"))
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        standing.refuse_outsider(remediation, person)
        revision = remediations.head(remediation)
        if revision is None or remediation.status not in WAITING:
            raise StaleTransition(because("not_in_review", f"The remediation is {remediation.status}."))
        kept = Comment.objects.bulk_create(
            Comment(
                remediation=remediation,
                revision=revision,
                place=each.place,
                quote=quote,
                text=each.comment,
                person=person,
                at=at,
            )
            for each, quote in quoted(revision, said, digest)
        )
        _record(remediation, kept, person, door, at)
        _tell_makers(remediation, kept, person, at)
    return kept


def comments_of(remediation: Remediation) -> list[Comment]:
    """Everything that was said about places without an objection, in order."""
    return list(Comment.objects.filter(remediation=remediation).select_related("person", "revision"))


def _record(remediation: Remediation, kept: Sequence[Comment], person: Person, door: Door, at: datetime) -> None:
    places = [{"place": each.place, "comment": each.text} for each in kept]
    data = {"revision": kept[0].revision.number, "comments": places}
    ticket = remediation.ticket.ref
    audit.record("review.commented", actor=person.at(door), at=at, subject=remediation.ref, ticket=ticket, data=data)


def _tell_makers(remediation: Remediation, kept: Sequence[Comment], person: Person, at: datetime) -> None:
    makers = [each for each in proposing.people(proposing.makers_of(remediation)) if each.pk != person.pk]
    more = f" And {len(kept) - 1} more." if len(kept) > 1 else ""
    text = f"{remediation.ticket.key}: {person} on {kept[0].place}: {kept[0].text}{more}"
    path, key = f"/tickets/{remediation.ticket.key}/review", f"comment:{kept[0].pk}"
    notices.tell(makers, kind="review", ticket_key=remediation.ticket.key, text=text, path=path, at=at, key=key)
