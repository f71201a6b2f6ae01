"""Which function runs which kind of job, on which queue, which events ask for it, and which processes may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

QUEUES = ("drafting", "probe", "execution", "general")
ASKERS = ("web", "probe", "execution", "general")
"""Who may ask for a job that names nobody: all but the process that runs the model (law 5)."""
CLOCK = ("general",)
"""Who asks for what runs by the clock alone."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A job as its handler sees it: one attempt, held under one fence, started `at` (the database's clock).

    `renew()` holds the lease for another term. False means that somebody else has the job by now: change nothing more.
    A worker renews by itself while the handler runs; a handler asks `holds()` before it does what must not be done
    twice, which says the same and writes only where the lease is half over.
    `is_stopping()` says that the worker was told to stop: a handler that does many things one after the other ends
    after the one in hand, and asks for another job to go on with the rest. `came_further()` says that part of the work
    is done for good, so that attempts which were lost before do not count against the rest. `shared` is what the jobs
    that one worker runs within a second leave for each other: answers to questions that all of them would ask.
    """

    id: int
    kind: str
    subject_id: int | None
    payload: dict[str, Any]
    attempt: int
    fence: int
    at: datetime
    renew: Callable[[], bool] = field(repr=False, compare=False)
    holds: Callable[[], bool] = field(repr=False, compare=False)
    is_stopping: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)
    came_further: Callable[[], object] = field(default=lambda: None, repr=False, compare=False)
    shared: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)


Function = Callable[[Handed], str]


@dataclass(frozen=True, slots=True)
class Handler:
    """One kind of job. `function` answers with a short sentence on how it went; a refusal or an error is raised."""

    kind: str
    queue: str
    on: tuple[str, ...]
    every_seconds: int | None
    gather_seconds: int
    loads: tuple[str, ...]
    asked_by: tuple[str, ...]
    takes: Mapping[str, type]
    about: str
    function: Function


class UnknownKind(LookupError):
    """No room has registered a handler for this kind of job."""


_handlers: dict[str, Handler] = {}


def handler(
    kind: str,
    *,
    queue: str,
    on: tuple[str, ...] = (),
    every_seconds: int | None = None,
    gather_seconds: int = 0,
    loads: tuple[str, ...] = (),
    asked_by: tuple[str, ...] = (),
    takes: Mapping[str, type] = MappingProxyType({}),
    about: str = "",
) -> Callable[[Function], Function]:
    """Registers the decorated function for jobs of this kind, which run on `queue`.

    `on` names the events that ask for such a job. With `gather_seconds` those of such a span of time ask for one job
    together, without a subject and due a span later: for a handler that looks at everything that waits, and has
    `every_seconds` too, should a transaction take longer than that to commit. `every_seconds` plants a schedule of that
    name. Belongs in a room's `tasks` module, which is imported at start-up by every process: import what is heavy
    inside the function, and name it in `loads`, so that the workers of this queue, and no other process, have it before
    their first job. `asked_by` names the processes whose database roles may enqueue it, within the queues that they
    reach at all. `takes` are the names and types of what a schedule may hand over in the payload. `about` names what
    the subject is, for the pages: `tickets.ticket`.
    """
    if queue not in QUEUES:
        raise ImproperlyConfigured(f"{kind}: there is no queue {queue!r}; it is one of {', '.join(QUEUES)}.")
    if gather_seconds and not every_seconds:
        raise ImproperlyConfigured(f"{kind}: what gathers has to run by the clock too, for who commits late.")

    def register(function: Function) -> Function:
        if kind in _handlers and _handlers[kind].function is not function:
            raise ImproperlyConfigured(f"{kind} has two handlers: {_handlers[kind].function!r} and {function!r}.")
        askers = asked_by or (CLOCK if every_seconds and not on else ASKERS)
        _handlers[kind] = Handler(kind, queue, on, every_seconds, gather_seconds, loads, askers, takes, about, function)
        return function

    return register


def handler_of(kind: str) -> Handler:
    """The handler of this kind of job; raises UnknownKind."""
    try:
        return _handlers[kind]
    except KeyError:
        raise UnknownKind(f"No handler is registered for jobs of kind {kind!r}.") from None


def problem_of(payload: object, handler: Handler) -> str:
    """What is wrong with a payload that a schedule hands to this kind of job; empty if nothing is."""
    if not isinstance(payload, dict):
        return "The payload is an object of names and values."
    if unknown := sorted(payload.keys() - handler.takes.keys()):
        return f"Jobs of kind {handler.kind!r} take no {', '.join(map(str, unknown))}."
    wrong = [name for name, value in payload.items() if type(value) is not handler.takes[name]]
    return f"{', '.join(wrong)}: not of the type that {handler.kind!r} takes." if wrong else ""


def subscribers(event: str) -> list[Handler]:
    """The handlers that an event asks for, in the order of their kinds."""
    return sorted((each for each in _handlers.values() if event in each.on), key=lambda each: each.kind)


def periodic() -> list[tuple[str, int]]:
    """The kinds that run by the clock, and every how many seconds."""
    return [(each.kind, each.every_seconds) for each in _handlers.values() if each.every_seconds is not None]


def kinds() -> list[Handler]:
    """Every kind of job there is."""
    return list(_handlers.values())


def loads(queue: str) -> list[str]:
    """The modules that the handlers of a queue need before their first job."""
    return sorted({module for each in _handlers.values() if each.queue == queue for module in each.loads})
