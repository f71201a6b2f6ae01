"""The canary proof: a role is played on one host until it is shown, not said, that it converges and can be undone.

Five Ansible processes: a check; the role; a second check that would change nothing and leaves nothing out; a second
real run that changes nothing, with the role's verification; its way back. Before and after, our own look at all that
the patch scope names says whether what the role reports is true: no check that wrote, no task that calls its change
none, no way back that forgets something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from platform import python_version

from remediation.playbooks import hosts, hoststate, jailed, plays
from remediation.playbooks.prooftext import Part, Proof
from remediation.playbooks.shapes import Facts, Kind, Played, Scope, State, TaskResult

PROGRAMS = ("ansible-core", "ansible-lint", "ansible-runner")
CHECK, APPLY, SECOND_CHECK = "First check", "Apply", "Second check"
SECOND_RUN, BACK_OUT, LOOK = "Second run and verify", "Back-out", "Look"
ORDER = (CHECK, APPLY, SECOND_CHECK, SECOND_RUN)
PLAYED: dict[str, tuple[Kind, ...]] = {
    CHECK: (Kind.LOOK, Kind.CHECK),
    APPLY: (Kind.LOOK, Kind.APPLY),
    SECOND_CHECK: (Kind.LOOK, Kind.CHECK),
    SECOND_RUN: (Kind.APPLY, Kind.LOOK, Kind.VERIFY),
    BACK_OUT: (Kind.BACK_OUT, Kind.LOOK),
    LOOK: (Kind.LOOK,),
}
MOMENTS = {
    CHECK: "before",
    APPLY: "after the check",
    SECOND_CHECK: "applied",
    SECOND_RUN: "after the second run",
    BACK_OUT: "after the back-out",
    LOOK: "after the back-out",
}
LEFT = "The way back was not played after the stop: what the role changed is still there."
UNSEEN = "Nobody could look at the host after the way back: what is left there is not known."

OnEvent = Callable[[str, TaskResult], None]


def silent(_title: str, _event: TaskResult) -> None:
    """Nobody listens to this one."""


def prove(
    name: str,
    files: Mapping[str, str],
    *,
    role: str,
    scope: Scope,
    host: hosts.Host,
    now: Callable[[], datetime],
    on_event: OnEvent = silent,
    is_to_stop: jailed.IsToStop = jailed.never,
) -> Proof:
    """Prove a role, by its digest, on one host. Whatever was applied is undone, except after a stop."""
    trial = _Trial(name, files, scope, host, on_event, is_to_stop)
    started_at = now()
    trial.go()
    return Proof(
        host=host.name,
        is_lab=host.is_lab,
        name=name,
        role=role,
        holds=not trial.reasons and not trial.remains,
        reasons=tuple(trial.reasons),
        remains=tuple(trial.remains),
        parts=tuple(trial.parts),
        facts=trial.facts,
        inventory=host.inventory,
        versions={program: version(program) for program in PROGRAMS} | {"python": python_version()},
        states={moment: state.digest for moment, state in trial.states.items()},
        started_at=started_at.isoformat(),
        ended_at=now().isoformat(),
    )


@dataclass(slots=True)
class _Trial:
    """One proof while it is made."""

    name: str
    files: Mapping[str, str]
    scope: Scope
    host: hosts.Host
    on_event: OnEvent
    is_to_stop: jailed.IsToStop
    parts: list[Part] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    facts: Facts | None = None
    is_stopped: bool = False

    def go(self) -> None:
        """Part after part until one fails; then the way back, if anything was applied."""
        for title in ORDER:
            self._judge(title, self._play(title))
            if self.reasons:
                break
        if len(self.parts) > 1:
            self._go_back()

    def _play(self, title: str) -> Played:
        if self.is_to_stop():
            self.is_stopped = True
            return Played(PLAYED[title], (), None, (), 0, "It was stopped.", "", is_stopped=True)
        played = plays.play(
            PLAYED[title],
            name=self.name,
            files=self.files,
            host=self.host,
            scope=self.scope,
            before=self.states.get("before"),
            on_event=lambda event: self.on_event(title, event),
            is_to_stop=self.is_to_stop,
        )
        self.is_stopped |= played.is_stopped
        self.facts = self.facts or played.facts
        self.parts.append(_part(title, played))
        if played.states:
            self.states[MOMENTS[title]] = played.states[-1]
        return played

    def _judge(self, title: str, played: Played) -> None:
        """What this part shows against the role."""
        if played.error:
            self.reasons.append(f"{title}: {played.error}")
        elif title == APPLY:
            self._same(title, "The check wrote", "before", "after the check")
        elif title in (SECOND_CHECK, SECOND_RUN):
            verb = "would change again" if title == SECOND_CHECK else "changed again"
            self.reasons += [f"{title}: “{task.task}” ({task.place}) {verb}." for task in played.changed]
            self.reasons += [
                f"{title}: “{task.task}” ({task.place}) is skipped by a check, so what it would do is not known."
                for task in played.skipped_by_check
            ]
        if title == SECOND_RUN and not self.reasons:
            self._same(title, "It reports no change and has made one", "applied", "after the second run")

    def _same(self, title: str, says: str, one: str, other: str) -> None:
        found = self._differences(one, other)
        self.reasons += [f"{title}: {says}: {difference}" for difference in found]

    def _differences(self, one: str, other: str) -> list[str]:
        return hoststate.differences(self.states[one], self.states[other])

    def _go_back(self) -> None:
        """Undo what was applied, and say what is still different."""
        if self.is_stopped:
            self.remains.append(LEFT)
            return
        played = self._play(BACK_OUT)
        if played.error:
            self.reasons.append(f"{BACK_OUT}: {played.error}")
        if played.is_stopped:
            self.remains.append(LEFT)
        elif played.states or self._play(LOOK).states:
            self.remains += self._differences("before", "after the back-out")
        else:
            self.remains.append(UNSEEN)


def _part(title: str, played: Played) -> Part:
    return Part(
        title=title,
        kinds=played.kinds,
        changed=len(played.changed),
        failed=len(played.failed),
        skipped_by_check=len(played.skipped_by_check),
        milliseconds=played.milliseconds,
        error=played.error,
        tasks=played.tasks,
    )


def unlike(facts: Facts | None, proof: Proof) -> list[str]:
    """What a host has not in common with the canary of a proof, in sentences; unknown facts are like nothing."""
    if facts is None or proof.facts is None:
        return ["What the host is like is not known."]
    return [
        f"{says} {mine}; the role was proven with {theirs}."
        for says, mine, theirs in _compared(facts, proof.facts)
        if mine != theirs
    ]


def _compared(mine: Facts, theirs: Facts) -> Sequence[tuple[str, str, str]]:
    return (
        ("It runs", f"{mine.distribution} {_major(mine.version)}", f"{theirs.distribution} {_major(theirs.version)}"),
        ("Its Python is", _minor(mine.python), _minor(theirs.python)),
        ("Its services are managed by", mine.service_manager, theirs.service_manager),
        ("Its architecture is", mine.architecture, theirs.architecture),
    )


def _major(number: str) -> str:
    return number.partition(".")[0]


def _minor(number: str) -> str:
    return ".".join(number.split(".")[:2])
