"""The REVIEW notes of a draft. A note is recognised by its whole step, so that an edit elsewhere keeps its tick."""

from __future__ import annotations

from functools import lru_cache

from portal.kit import canonical
from remediation.drafting import schema
from remediation.drafting.models import Revision


class ReviewItem:
    """A REVIEW note of a step, recognised by a digest of the whole step: an edit elsewhere keeps its tick."""

    __slots__ = ("item", "number", "text", "title")

    def __init__(self, number: int, step: schema.Step) -> None:
        text = canonical.text_of(step.model_dump(mode="json"), version="countersign.review-item/1")
        self.number, self.title, self.text = number, step.title, step.review or ""
        self.item = canonical.digest_of(text)


def items_of(revision: Revision | None) -> list[ReviewItem]:
    """The REVIEW items of a revision, in the order of its steps."""
    return list(items_in(revision.content)) if revision else []


@lru_cache(maxsize=256)  # the queue asks for fifty texts again and again, and a text never changes
def items_in(content: str) -> tuple[ReviewItem, ...]:
    """The REVIEW items of a revision's text."""
    steps = enumerate(schema.from_text(content).steps, start=1)
    return tuple(ReviewItem(number, step) for number, step in steps if step.review)
