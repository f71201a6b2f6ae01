"""Named places in pages that rooms fill: a page names the slot, a higher room says what goes in.

A lower room must not import a higher one, so the ticket page cannot ask for the feedback form. It offers the slot
`ticket.aside` instead, and the feedback room registers a template for it when Django starts:

    slots.register("ticket.aside", "feedback/aside.html", feedback_for)     # in AppConfig.ready
    {% slot "ticket.aside" ticket %}                                        # in the page

Slots of the frame: `header.alerts` (above everything, for the emergency stop), `header.tools` (beside the theme
button), `header.user` (inside the person's menu). Navigation entries are added to `nav`. Slots of pages:
`tickets.head`, `ticket.main`, `ticket.aside`, `run.head` (the ticket), `review.plan` (the plan that a review is
about, or None).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

Context = Callable[..., Mapping[str, Any] | None]


def everybody(request: HttpRequest) -> bool:
    """Whether the request comes from somebody who is signed in: the usual audience of a navigation entry."""
    return request.user.is_authenticated


def staff(request: HttpRequest) -> bool:
    """Whether the person may open the settings."""
    return request.user.is_authenticated and request.user.is_staff


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation. `count` answers the number in its bubble, 0 for none."""

    label: str
    url_name: str
    icon: str
    order: int
    permitted: Callable[[HttpRequest], bool] = everybody
    count: Callable[[HttpRequest], int] | None = None


@dataclass(frozen=True, slots=True)
class Filler:
    """A template for a slot and the function that finds its context.

    The function is called with the request and what the page handed to the slot; None means there is nothing to show.
    """

    template: str
    context: Context
    order: int


_items: dict[str, list[NavItem]] = defaultdict(list)
_fillers: dict[str, list[Filler]] = defaultdict(list)


def add(name: str, item: NavItem) -> None:
    """Add an entry to a list of the frame; adding the same entry twice changes nothing."""
    if item not in _items[name]:
        _items[name].append(item)


def items(name: str) -> list[NavItem]:
    """The entries added under a name, in their order."""
    return sorted(_items[name], key=lambda item: (item.order, item.label))


def register(name: str, template: str, context: Context, *, order: int = 50) -> None:
    """Fill a slot; registering the same filler twice changes nothing."""
    filler = Filler(template, context, order)
    if filler not in _fillers[name]:
        _fillers[name].append(filler)


def fillers(name: str) -> list[Filler]:
    """What rooms registered for a slot, in order."""
    return sorted(_fillers[name], key=lambda filler: filler.order)
