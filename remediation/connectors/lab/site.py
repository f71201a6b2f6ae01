"""The lab itself: the estate, its book of write requests and its watch, kept in one file that is replaced whole."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import anyio
from pydantic import BaseModel, ValidationError

from remediation.connectors.lab import first_day, pods
from remediation.connectors.lab.estate import Estate, Thing
from remediation.connectors.lab.faults import Faults, Kind
from remediation.connectors.lab.ledger import Ledger
from remediation.connectors.servers.common import (
    Alerts,
    CannotBeDone,
    Done,
    Fenced,
    Health,
    LatestBackup,
    RequestStatus,
    Sessions,
    WriteRequest,
)

logger = logging.getLogger(__name__)

SOURCE = "lab"
REMEMBERED = 2_000
"""Answers to write requests are remembered for this many keys: the file is written whole at every write."""


class Answered(BaseModel):
    """What became of one write request."""

    state: Literal["done", "failed"]
    message: str
    target: str
    tool: str


class State(BaseModel):
    """What survives a kill: effect and answer of a request become durable together."""

    estate: Estate
    answered: dict[str, Answered] = {}
    fences: dict[str, int] = {}


class Lab:
    """A backend for our servers. Everything runs on one event loop, so nothing here needs a lock."""

    source = SOURCE

    def __init__(self, folder: Path, *, crowd: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._file = folder / "lab.json"
        self._clock = clock
        self._crowd = crowd
        self._in_progress: set[str] = set()
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.faults = Faults()
        self._state = State(estate=first_day.estate(clock(), crowd=crowd))

    # --- the estate

    @property
    def estate(self) -> Estate:
        """The estate as it is now: what takes time has happened."""
        pods.recover(self._state.estate, self.now())
        return self._state.estate

    def now(self) -> float:
        """Seconds since 1970 by the lab's clock."""
        return self._clock()

    def open(self) -> None:
        """Continue where the last process stopped, or begin."""
        try:
            self._state = State.model_validate_json(self._file.read_bytes())
            self._complete_ledger()
        except FileNotFoundError:
            self.reset()
        except ValidationError:
            logger.warning("The lab begins anew: %s was kept by another version.", self._file)
            self.reset()

    def _complete_ledger(self) -> None:
        """A kill may come between an effect and its line: the effect was durable first, and is the last there is."""
        self.ledger.mend()
        if self._state.answered:
            key, answered = next(reversed(self._state.answered.items()))
            known = (line["idempotency_key"] for line in self.ledger.lines() if "carried_out" in line)
            if key not in known:
                self.ledger.carried_out(key, answered.state, self.now())

    def reset(self) -> None:
        """The first day again: no requests, no faults."""
        self._state = State(estate=first_day.estate(self.now(), crowd=self._crowd))
        self._in_progress.clear()
        self.ledger.clear()
        self.faults.clear()
        self._save()

    def change(self, target: str, field: str, value: object) -> None:
        """Somebody else changes the estate: for instance between sign-off and run."""
        thing: Thing | None = self.estate.targets().get(target)
        if thing is None or field not in type(thing).model_fields:
            raise CannotBeDone(f"The lab has no {target} with a field {field}.")
        setattr(thing, field, value)
        self._save()

    # --- the watch

    def health(self) -> Health:
        return Health(source=SOURCE, healthy=True, detail="The lab answers.")

    def alerts(self, target: str) -> Alerts:
        estate = self.estate
        unready = {each.identity for each in estate.deployments if pods.ready(each, self.now()) < each.replicas}
        active = [
            alert
            for alert in estate.alerts
            if alert.target == target and (not alert.clears_when_ready or alert.clears_when_ready in unready)
        ]
        return Alerts(
            source=SOURCE,
            target=target,
            critical=sum(alert.severity == "critical" for alert in active),
            warning=sum(alert.severity == "warning" for alert in active),
            names=",".join(sorted(alert.name for alert in active)),
        )

    def latest_backup(self, target: str) -> LatestBackup:
        for backup in self.estate.backups:
            if backup.target == target:
                age = int(self.now() - backup.taken_at) // 60
                age = age % 1_440 if backup.is_nightly else age
                return LatestBackup(source=SOURCE, target=target, exists=True, age_minutes=age)
        return LatestBackup(source=SOURCE, target=target, exists=False, age_minutes=0)

    # --- the book of write requests

    def sessions(self, target: str) -> Sessions:
        thing = self.estate.targets().get(target)
        if thing is None:
            raise CannotBeDone(f"The lab has no {target}.")
        return Sessions(source=SOURCE, target=target, active=thing.sessions)

    def request_status(self, key: str) -> RequestStatus:
        answered = self._state.answered.get(key)
        if answered:
            return RequestStatus(source=SOURCE, state=answered.state, message=answered.message)
        if key in self._in_progress:
            return RequestStatus(source=SOURCE, state="in_progress", message="The request has not ended.")
        return RequestStatus(source=SOURCE, state="not_performed", message="Nothing was done for this key.")

    def raise_fence(self, target: str, fence: int) -> Fenced:
        """Remember the highest fence asked for, so that whoever was replaced comes too late, however late."""
        highest = max(fence, self._state.fences.get(target, 0))
        self._state.fences[target] = highest
        self._save()
        return Fenced(source=SOURCE, target=target, fence=highest)

    async def once(self, request: WriteRequest, change: Callable[[], str]) -> Done:
        """Note the request, then answer as before or carry it out; nothing waits between deciding and doing."""
        self.ledger.note(request, self.now())
        await self._hang(request)
        answered = self._state.answered.get(request.key)
        if answered is None:
            self._refuse_old_fence(request)
            answered = self._carry_out(request, change)
        elif (answered.target, answered.tool) != (request.target, request.tool):
            raise CannotBeDone("This idempotency key belongs to another request.")
        if answered.state == "failed":
            raise CannotBeDone(answered.message)
        return Done(source=SOURCE, message=answered.message)

    async def _hang(self, request: WriteRequest) -> None:
        fault = self.faults.strike(request.tool, Kind.HANGS)
        if fault:
            self._in_progress.add(request.key)
            try:
                await anyio.sleep(fault.seconds)
            finally:
                self._in_progress.discard(request.key)

    def _refuse_old_fence(self, request: WriteRequest) -> None:
        seen = self._state.fences.get(request.target, 0)
        if request.fence < seen:
            raise CannotBeDone(f"Fence {request.fence} is older than {seen}, which {request.target} has already seen.")

    def _carry_out(self, request: WriteRequest, change: Callable[[], str]) -> Answered:
        try:
            state: Literal["done", "failed"] = "done"
            message = self._changed(request, change)
        except CannotBeDone as refusal:
            self._state = State.model_validate_json(self._file.read_bytes())  # as it was after the last change
            state, message = "failed", str(refusal)
        answered = Answered(state=state, message=message, target=request.target, tool=request.tool)
        self._state.answered[request.key] = answered
        self._state.fences[request.target] = request.fence
        self._save()
        self.ledger.carried_out(request.key, answered.state, self.now())
        return answered

    def _changed(self, request: WriteRequest, change: Callable[[], str]) -> str:
        if self.faults.strike(request.tool, Kind.FAILS):
            raise CannotBeDone("The lab refuses this write: a fault was injected.")
        if self.faults.strike(request.tool, Kind.LIES):
            return "Done."
        return change()

    def _save(self) -> None:
        while len(self._state.answered) > REMEMBERED:
            del self._state.answered[next(iter(self._state.answered))]
        draft = self._file.with_suffix(".draft")
        draft.write_text(self._state.model_dump_json(), encoding="utf-8")
        os.replace(draft, self._file)  # noqa: PTH105 - atomic: a kill leaves the old file or the new one
