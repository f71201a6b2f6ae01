"""What the review page shows of a role: its files with all that is known of their lines, and the senior's questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from remediation.drafting import schema
from remediation.drafting.models import Remediation, Revision
from remediation.playbooks.repository import reading
from remediation.review import commenting, presenting, questions, role_view
from remediation.review.models import Comment
from remediation.review.questions import Answers
from remediation.review.role_view import Notes, RoleView
from remediation.review.standing import Standing


@dataclass(frozen=True, slots=True)
class Shown:
    """A role and the questions about it, if the draft has one; comments that stand at no line of it."""

    role: RoleView | None
    answers: Answers | None
    elsewhere: Sequence[Comment]


def of(remediation: Remediation, revision: Revision, stands: Standing) -> Shown:
    """The role of a revision, and what was said about lines."""
    draft = schema.from_text(revision.content)
    if draft.role is None:
        return Shown(None, None, commenting.comments_of(remediation))
    notes = Notes()
    elsewhere = _gather(notes, remediation, stands, lines={f.path: f.text.split("\n") for f in draft.role.files})
    merged = reading.merged_files(draft.role.name)
    view = role_view.of(draft.role, notes, first=_first(remediation, revision), merged=merged)
    return Shown(view, questions.of(draft, draft.role), elsewhere)


def _gather(
    notes: Notes, remediation: Remediation, stands: Standing, *, lines: Mapping[str, Sequence[str]]
) -> list[Comment]:
    """What gates found, what is to be confirmed and what people said, at its line; answers with what has none."""
    for gate in stands.gates:
        for finding in gate.findings:
            notes.find(finding["place"], f"{gate.gate}: {finding['text']}", finding["mend"])
    for each in stands.checklist:
        if each.item.file:
            notes.confirm(each.item.file, each.item.line, each.item.text, by=str(each.by) if each.by else "")
    for objection in stands.objections:
        for remark in objection.remarks.all():
            who = str(objection.person)
            notes.say(remark.place, who, remark.comment, objection.at, lines=lines, quote=remark.quote)
    return [
        each
        for each in commenting.comments_of(remediation)
        if not notes.say(each.place, str(each.person), each.text, each.at, lines=lines, quote=each.quote)
    ]


def _first(remediation: Remediation, revision: Revision) -> Mapping[str, str]:
    """The files as the drafter wrote them; nothing where this is what it wrote, or people wrote it all."""
    first = presenting.first_of(remediation)
    part = schema.from_text(first.content).role if first and first.pk != revision.pk else None
    return {file.path: file.text for file in part.files} if part else {}
