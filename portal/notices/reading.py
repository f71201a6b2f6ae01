"""What the pages show: each notice with how it left the site for its reader, outlets with what waits, dead letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from portal.notices.models import Enclosure, Letter, Message, Notice, Outlet
from portal.notices.services import COUNTED
from portal.notices.states import LetterState

SHOWN_TEXTS = 3


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, and the mail that carried it to the same person, if one did."""

    notice: Notice
    mail: Letter | None


@dataclass(frozen=True, slots=True)
class OutletState:
    """An outlet and how many of its letters wait; counting stops at 100."""

    outlet: Outlet
    waiting: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter that was given up, with the first of what it says."""

    letter: Letter
    texts: list[str]

    @property
    def more(self) -> int:
        """How many messages are not shown."""
        return self.letter.size - len(self.texts)


def told(notices: Iterable[Notice], person_id: int) -> list[Told]:
    """The notices of a page with their mails, in one query."""
    listed = list(notices)
    enclosed = Enclosure.objects.filter(
        message_id__in=[each.message_id for each in listed], letter__person_id=person_id
    ).select_related("letter")
    mails = {each.message_id: each.letter for each in enclosed}
    return [Told(each, mails.get(each.message_id)) for each in listed]


def outlets() -> list[OutletState]:
    """Every way out of the site."""
    waiting = Letter.objects.filter(state=LetterState.WAITING)
    return [OutletState(each, waiting.filter(outlet=each)[:COUNTED].count()) for each in Outlet.objects.all()]


def dead() -> QuerySet[Letter]:
    """Letters that were given up and that nobody has looked at."""
    return Letter.objects.filter(state=LetterState.DEAD).select_related("outlet", "person")


def count_dead() -> int:
    """How many there are; stops counting at 100."""
    return dead()[:COUNTED].count()


def with_texts(letters: Iterable[Letter]) -> list[DeadLetter]:
    """Dead letters with the first few texts of each."""
    return [DeadLetter(each, list(_first_texts(each))) for each in letters]


def _first_texts(letter: Letter) -> QuerySet[Message, str]:
    said = Message.objects.filter(enclosures__letter=letter).order_by("id")
    return said.values_list("text", flat=True)[:SHOWN_TEXTS]
