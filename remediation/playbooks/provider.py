"""Plays roles for the run engine, as the provider “roles”: checks, applies, takes back, and says how a host is.

Only a role that was proven is played: its text is looked up by its digest, where the proof left it. A process without
ANSIBLE_HOSTS can say what became of a request, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.kit.statements import Query, given
from remediation.connectors.probes import Outcome
from remediation.drafting import roles, schema
from remediation.playbooks import book, hosts, hoststate, jailed, plays, prooftext, proving
from remediation.playbooks.book import Request
from remediation.playbooks.models import Play, Proof
from remediation.playbooks.shapes import Facts, Kind, Played, Scope, State, TaskResult
from remediation.playbooks.shapes import Outcome as Done
from remediation.playbooks.states import PlayStatus, ProofStatus

READS = frozenset({"check_role", "verify_role", "role_state", "request_status"})
WRITES = {"apply_role": Play.Kind.APPLY, "back_out_role": Play.Kind.BACK_OUT}
TWICE, SECOND_RUN = (Kind.LOOK, Kind.APPLY, Kind.LOOK, Kind.APPLY), "second run"
APPLIED, TAKEN_BACK = "Applied; a second run changed nothing.", "Taken back."
UNCHANGED = "The role changed nothing here, so nothing is taken back."
NOT_HERE = "Roles are checked by the execution workers, right before they play them."
MOST_PROOFS = 5
"""Of one role, the newest: a ticket that comes again has the same role proven again, maybe on another kind of host."""
_PROOFS = Query(
    lambda: (
        Proof.objects.select_related("revision")
        .filter(role=given("role"), status=ProofStatus.HELD)
        .order_by("-id")[:MOST_PROOFS]
    )
)
LEFT = "A play of this role that failed has left something here: take it back, or make the host as it was before."


@dataclass(frozen=True, slots=True)
class Known:
    """A proven role: its text, its scope, and its proofs, the newest first."""

    name: str
    digest: str
    files: Mapping[str, str]
    scope: Scope
    proofs: Sequence[Proof]


class Roles:
    """The provider."""

    tools = READS | frozenset(WRITES) | {"raise_fence"}

    def read(self, tool: str, arguments: Mapping[str, Any]) -> Outcome:
        """Answer a question about a host or a request."""
        if tool == "request_status":
            return book.status_of(str(arguments["idempotency_key"]), at=timezone.now())
        return _on_host(arguments, lambda role, host: _READS[tool](role, host, timezone.now()))

    def write(
        self, tool: str, arguments: Mapping[str, Any], *, key: str, fence: int, until: Callable[[], bool]
    ) -> Outcome:
        """Apply a role, or take it back, once per key."""

        def do(role: Known, host: hosts.Host) -> Outcome:
            request = Request(key, fence, WRITES[tool], host.name, role.digest)
            play = book.begin(request, at=timezone.now())
            return play if isinstance(play, Outcome) else _Turn(play, role, host, until).take()

        return _on_host(arguments, do)

    def raise_fence(self, target: str, fence: int) -> Outcome:
        """Refuse from now on whoever still comes to this host with a lower fence."""
        refusal = book.raise_fence(target.removeprefix("hosts:"), fence)
        return Outcome(ok=not refusal, error=refusal)


def _on_host(arguments: Mapping[str, Any], do: Callable[[Known, hosts.Host], Outcome]) -> Outcome:
    if not settings.ANSIBLE_HOSTS:
        return Outcome(ok=False, was_not_sent=True, error=NOT_HERE)
    role = _known(str(arguments["role"]))
    if role is None:
        return Outcome(ok=False, error="No role with this digest was proven.")
    try:
        host = hosts.named(str(arguments["host"]))
    except hosts.BadHosts as bad:
        return Outcome(ok=False, error=str(bad))
    return do(role, host)


def _known(digest: str) -> Known | None:
    proofs = _PROOFS.all(role=digest)
    part = schema.from_text(proofs[0].revision.content).role if proofs else None
    if part is None or roles.part_digest(part) != digest:
        return None
    scope = Scope(tuple(part.paths), tuple(part.services), tuple(part.packages))
    return Known(part.name, digest, roles.files_of(part), scope, proofs)


def _check(role: Known, host: hosts.Host, at: datetime) -> Outcome:
    """Whether a check fails nowhere, the host is like the canary, and nothing is left of a play that failed."""
    seen = _play(role, host, [Kind.CHECK])
    if seen.facts is None:
        return Outcome(ok=False, error=seen.error)
    differs, is_untouched = unlike(seen.facts, role), _is_untouched(role, host, at)
    data = {
        "failed": len(seen.failed),
        "changes": len(seen.changed),
        "is_as_proven": not differs,
        "is_untouched": is_untouched,
        "says": seen.error or " ".join(differs) or ("" if is_untouched else LEFT) or _named(seen.changed),
    }
    return Outcome(ok=True, data=data, text=str(data["says"]))


def unlike(facts: Facts, role: Known) -> list[str]:
    """What a host has not in common with the canary of the newest proof; nothing if it is like that of another one."""
    found = (proving.unlike(facts, prooftext.read(proof.text)) for proof in role.proofs)
    newest = next(found)
    return newest if newest and all(found) else []


def _verify(role: Known, host: hosts.Host, _at: datetime) -> Outcome:
    """Whether a check finds nothing left to change, and the role's own verification passes."""
    seen = _play(role, host, [Kind.CHECK, Kind.VERIFY])
    if seen.facts is None:
        return Outcome(ok=False, error=seen.error)
    data = {
        "failed": len(seen.failed),
        "changes": len(seen.changed),
        "is_verified": seen.is_ok,
        "says": seen.error or _named(seen.changed),
    }
    return Outcome(ok=True, data=data, text=str(data["says"]))


def _state(role: Known, host: hosts.Host, _at: datetime) -> Outcome:
    """Whether what the scope names is as it was before the role was last applied."""
    before = book.before_apply(host.name, role.digest)
    if before is None:
        return Outcome(ok=False, error=f"The role was never applied to {host.name}.")
    seen = _look(role, host, before)
    if isinstance(seen, str):
        return Outcome(ok=False, error=seen)
    found = hoststate.differences(before, seen)
    return Outcome(ok=True, data={"is_as_before": not found, "says": " ".join(found)}, text=" ".join(found))


_READS: Mapping[str, Callable[[Known, hosts.Host, datetime], Outcome]] = {
    "check_role": _check,
    "verify_role": _verify,
    "role_state": _state,
}


@dataclass(frozen=True, slots=True)
class _Turn:
    """One worker's play of one request; what it was told stands in the book before it begins."""

    play: Play
    role: Known
    host: hosts.Host
    until: Callable[[], bool]

    def take(self) -> Outcome:
        """Play it, and commit what became of it."""
        error, says = self._apply() if self.play.kind == Play.Kind.APPLY else self._back_out()
        status = PlayStatus.FAILED if error else PlayStatus.DONE
        book.end(self.play, status, says=error or says, at=timezone.now())
        return Outcome(ok=False, error=error) if error else Outcome(ok=True, text=says)

    def _apply(self) -> tuple[str, str]:
        """Look, apply, and apply once more: only a second run that changes nothing shows that the role is done.

        Answers with why that went wrong, or "", and what is said where it did not.
        """
        played = self._played(TWICE, on_look=lambda before: book.remember(self.play, before))
        again = _second_run(played.tasks)
        if played.error or not (changed := [task for task in again if task.outcome is Done.CHANGED]):
            return played.error, APPLIED
        return f"The role does not converge: a second run changed {_named(changed)}", ""

    def _back_out(self) -> tuple[str, str]:
        """Take the role back; what was on the host before it was applied is nobody's to take away. As above."""
        before = book.left_as_found(self.host.name, self.role.digest)
        seen = _look(self.role, self.host, before, is_to_stop=self._ends) if before else ""
        if before and isinstance(seen, State) and not hoststate.differences(before, seen):
            return "", UNCHANGED
        return self._played([Kind.BACK_OUT]).error, TAKEN_BACK

    def _played(self, kinds: Sequence[Kind], *, on_look: plays.OnLook | None = None) -> Played:
        heard: list[TaskResult] = []

        def hear(event: TaskResult) -> None:
            heard.append(event)
            book.tell(self.play.key, event, part=SECOND_RUN if _second_run(heard) else "")

        return _play(self.role, self.host, kinds, on_event=hear, on_look=on_look, is_to_stop=self._ends)

    def _ends(self) -> bool:
        """A way back that has begun is played to its end; it is ended by a worker with a newer fence alone."""
        is_to_stop = self.play.kind == Play.Kind.APPLY and self.until()
        return is_to_stop or not book.beat(self.play, at=timezone.now())


def _is_untouched(role: Known, host: hosts.Host, at: datetime) -> bool:
    """Whether nothing is left of a play that failed: without one there is nothing to be left."""
    before = book.left_by_failure(host.name, role.digest, at=at)
    if before is None:
        return True
    seen = _look(role, host, before)
    if not isinstance(seen, State) or hoststate.differences(before, seen):
        return False
    book.settle(host.name, role.digest, at=at)
    return True


def _look(
    role: Known, host: hosts.Host, before: State | None, *, is_to_stop: Callable[[], bool] = jailed.never
) -> State | str:
    """What the scope is like on the host, or why nobody could look."""
    seen = _play(role, host, [Kind.LOOK], before=before, is_to_stop=is_to_stop)
    return seen.states[0] if seen.is_ok and seen.states else seen.error


def _play(
    role: Known,
    host: hosts.Host,
    kinds: Sequence[Kind],
    *,
    before: State | None = None,
    on_event: plays.OnEvent = plays.silent,
    on_look: plays.OnLook | None = None,
    is_to_stop: Callable[[], bool] = jailed.never,
) -> Played:
    return plays.play(
        kinds,
        name=role.name,
        files=role.files,
        host=host,
        scope=role.scope,
        before=before,
        on_event=on_event,
        on_look=on_look,
        is_to_stop=is_to_stop,
        seconds=round(settings.PLAY_SECONDS),
    )


def _second_run(tasks: Sequence[TaskResult]) -> Sequence[TaskResult]:
    """The tasks of the second run with the look before it: all since the first look at what was applied."""
    kinds = [task.kind for task in tasks]
    applied = kinds.index(Kind.APPLY) if Kind.APPLY in kinds else len(kinds)
    return tasks[kinds.index(Kind.LOOK, applied) :] if Kind.LOOK in kinds[applied:] else ()


def _named(tasks: Sequence[TaskResult]) -> str:
    return " ".join(f"“{task.task}” ({task.place})." for task in tasks)
