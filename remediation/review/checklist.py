"""What a reviewer confirms: REVIEW notes of steps, and tasks of a role that destroy something or are marked.

Each is recognised by all that it is about, so that an edit elsewhere keeps its tick.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from portal.kit import canonical
from remediation.drafting import roles, schema
from remediation.drafting.models import Revision
from remediation.review import marks, role_view


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One thing to confirm: the note of step `number`, or a task of the role at `file` and `line` (then it is 0)."""

    item: str
    number: int
    title: str
    text: str
    file: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """Where it stands, as people read it."""
        return f"{self.file} line {self.line}" if self.file else f"step {self.number}"

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        return f"{self.file}:{self.line}" if self.file else f"step-{self.number}"


def items_of(revision: Revision | None) -> list[ReviewItem]:
    """The REVIEW items of a revision, steps before tasks, each in their order."""
    return list(items_in(revision.content)) if revision else []


@lru_cache(maxsize=256)  # the queue asks for fifty texts again and again, and a text never changes
def items_in(content: str) -> tuple[ReviewItem, ...]:
    """The REVIEW items of a revision's text."""
    draft = schema.from_text(content)
    return (*_notes(draft), *_tasks(draft.role))


def _notes(draft: schema.Draft) -> Iterator[ReviewItem]:
    """The notes of the steps; those that apply a role have none of their own: its tasks are confirmed instead."""
    for number, step in enumerate(draft.steps, start=1):
        if step.review and not (draft.role and roles.is_applying(step)):
            text = canonical.text_of(step.model_dump(mode="json"), version="countersign.review-item/1")
            yield ReviewItem(canonical.digest_of(text), number, step.title, step.review)


def _tasks(part: schema.RolePart | None) -> Iterator[ReviewItem]:
    files = {file.path: file.text for file in part.files} if part else {}
    order = {path: at for at, path in enumerate(role_view.in_order(files))}
    found = marks.confirmable(files) if files else []
    for each in sorted(found, key=lambda each: (order[each.file], each.line)):
        yield ReviewItem(each.item, 0, each.task, each.why, each.file, each.line)
