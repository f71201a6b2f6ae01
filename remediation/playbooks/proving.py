"""The canary proof: a role is played on one host until it is shown, not said, that it converges and can be undone.

Three Ansible processes: a check, and the role; then a second check that would change nothing and leaves nothing out, a
second real run that changes nothing, and the role's verification; its way back. In between, our own look at all that
the patch scope names says whether what the role reports is true: no check that wrote, no task that calls its change
none, no way back that forgets something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from platform import python_version

from remediation.playbooks import hosts, hoststate, jailed, plays, prooftext
from remediation.playbooks.prooftext import Part, Proof
from remediation.playbooks.shapes import BAD, Facts, Kind, Outcome, Played, Scope, State, TaskResult

PROGRAMS = ("ansible-core", "ansible-lint", "ansible-runner")
CHECK, APPLY, SECOND_CHECK = "First check", prooftext.APPLY, "Second check"
SECOND_RUN, VERIFY, BACK_OUT = prooftext.SECOND_RUN, "Verify", "Back-out"


@dataclass(frozen=True, slots=True)
class Round:
    """One Ansible process: what it plays, what people call each kind, and of which moment its looks are."""

    kinds: tuple[Kind, ...]
    titles: Mapping[Kind, str]
    moments: tuple[str, ...]


BEFORE, CHECKED, APPLIED = "before", "after the check", "applied"
PLAYED_AGAIN, BACK = "after the second run", "after the back-out"
FIRST = Round((Kind.LOOK, Kind.CHECK, Kind.LOOK, Kind.APPLY), {Kind.CHECK: CHECK, Kind.APPLY: APPLY}, (BEFORE, CHECKED))
AGAIN = Round(
    (Kind.LOOK, Kind.CHECK, Kind.APPLY, Kind.LOOK, Kind.VERIFY),
    {Kind.CHECK: SECOND_CHECK, Kind.APPLY: SECOND_RUN, Kind.VERIFY: VERIFY},
    (APPLIED, PLAYED_AGAIN),
)
RETURN = Round((Kind.BACK_OUT, Kind.LOOK), {Kind.BACK_OUT: BACK_OUT}, (BACK,))
LOOK = Round((Kind.LOOK,), {Kind.LOOK: BACK_OUT}, (BACK,))
LEFT = "The way back was not played after the stop: what the role changed is still there."
ALREADY = "The role changes nothing on this host: it is there already, which proves nothing. Name another host first."
UNSEEN = "Nobody could look at the host after the way back: what is left there is not known."

OnEvent = Callable[[str, TaskResult], None]


def silent(_title: str, _event: TaskResult) -> None:
    """Nobody listens to this one."""


def nothing() -> str:
    """Nothing keeps this one from being played."""
    return ""


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
    is_lost: jailed.IsToStop = jailed.never,
    why_not: Callable[[], str] = nothing,
    seconds: int = plays.SECONDS,
) -> Proof:
    """Prove a role, by its digest, on one host. Whatever was applied is undone, except after a stop.

    `is_to_stop` ends everything but a way back that has begun; only `is_lost`, that somebody else has this host by now,
    ends that. `why_not` is asked before the role is played, and played again: what it says ends the proof with the way
    back. `seconds` is the longest that each of the Ansible processes may take.
    """
    trial = _Trial(name, files, scope, host, on_event, is_to_stop, is_lost, why_not, seconds)
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
    is_lost: jailed.IsToStop
    why_not: Callable[[], str]
    seconds: int
    parts: list[Part] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    facts: Facts | None = None
    has_applied: bool = False
    has_changed: bool = False
    is_stopped: bool = False

    def go(self) -> None:
        """Round after round until one fails; then the way back, if anything may have been applied."""
        for each in (FIRST, AGAIN):
            if reason := self.why_not():
                self.reasons.append(reason)
                break
            played = self._play(each)
            if played.error:
                self.reasons.append(f"{self._last_title(each)}: {played.error}")
            self._judge(each, played)
            if self.reasons:
                break
        if self.has_applied:
            self._go_back()

    def _play(self, each: Round) -> Played:
        if self.is_to_stop():
            self.is_stopped = True
            return Played(each.kinds, (), None, (), 0, "It was stopped.", is_stopped=True)
        titles = _Titles(each)

        def hear(event: TaskResult) -> None:
            self.has_applied |= event.kind is Kind.APPLY
            self.has_changed |= event.kind is Kind.APPLY and event.outcome is Outcome.CHANGED
            self.on_event(titles.of(event), event)

        played = plays.play(
            each.kinds,
            name=self.name,
            files=self.files,
            host=self.host,
            scope=self.scope,
            before=self.states.get(BEFORE),
            on_event=hear,
            is_to_stop=self.is_lost if each is RETURN else self.is_to_stop,
            seconds=self.seconds,
        )
        self.is_stopped |= played.is_stopped
        self.facts = self.facts or played.facts
        self.parts += _parts(each, played)
        self.states |= dict(zip(each.moments, played.states, strict=False))
        return played

    def _last_title(self, each: Round) -> str:
        """What people call the part that a round came to."""
        titles = list(each.titles.values())
        return self.parts[-1].title if self.parts and self.parts[-1].title in titles else titles[0]

    def _judge(self, each: Round, played: Played) -> None:
        """What a round shows against the role."""
        if each is FIRST:
            self._same(APPLY, "The check wrote", BEFORE, CHECKED)
        if each is AGAIN:
            for title, kind, verb in ((SECOND_CHECK, Kind.CHECK, "would change"), (SECOND_RUN, Kind.APPLY, "changed")):
                again = [task for task in played.of(kind) if task.outcome is Outcome.CHANGED]
                self.reasons += [f"{title}: “{task.task}” ({task.place}) {verb} something again." for task in again]
            self.reasons += [f"{SECOND_CHECK}: {_unknown(task)}" for task in played.skipped_by_check]
        if each is AGAIN and not self.reasons:
            self._same(SECOND_RUN, "It reports no change and has made one", APPLIED, PLAYED_AGAIN)
            if not self.has_changed and not self._differences(BEFORE, PLAYED_AGAIN):
                self.reasons.append(ALREADY)

    def _same(self, title: str, says: str, one: str, other: str) -> None:
        self.reasons += [f"{title}: {says}: {difference}" for difference in self._differences(one, other)]

    def _differences(self, one: str, other: str) -> list[str]:
        """What differs between two moments, as far as both were seen."""
        if one not in self.states or other not in self.states:
            return []
        return hoststate.differences(self.states[one], self.states[other])

    def _go_back(self) -> None:
        """Undo what was applied, and say what is still different.

        What was there before is not this proof's to take away: where nothing was changed nothing is undone.
        """
        if self.is_stopped:
            self.remains.append(LEFT)
            return
        if not self.has_changed and self._is_as_before():
            return
        played = self._play(RETURN)
        if played.error:
            self.reasons.append(f"{BACK_OUT}: {played.error}")
        if played.is_stopped:
            self.remains.append(LEFT)
        elif BACK in self.states or self._play(LOOK).states:
            self.remains += self._differences(BEFORE, BACK)
        else:
            self.remains.append(UNSEEN)

    def _is_as_before(self) -> bool:
        """Whether our own look finds the host as it was, whatever the tasks reported."""
        moment = next((each for each in (PLAYED_AGAIN, APPLIED) if each in self.states), BACK)
        if moment == BACK:
            self._play(LOOK)
        return moment in self.states and not self._differences(BEFORE, moment)


def _unknown(task: TaskResult) -> str:
    return f"“{task.task}” ({task.place}) is skipped by a check, so what it would do is not known."


@dataclass(slots=True)
class _Titles:
    """What people call the part that a task belongs to; a look belongs to the part before it, or to the first."""

    each: Round
    current: str = ""

    def of(self, event: TaskResult) -> str:
        first = next(iter(self.each.titles.values()))
        self.current = self.each.titles.get(event.kind, self.current or first)
        return self.current


def _parts(each: Round, played: Played) -> list[Part]:
    """One part for every title that the round came to; an error is the last one's."""
    titles = _Titles(each)
    tasks: dict[str, list[TaskResult]] = {}
    for task in played.tasks:
        tasks.setdefault(titles.of(task), []).append(task)
    if not tasks:
        tasks = {next(iter(each.titles.values())): []}
    last = list(tasks)[-1]
    return [_part(title, each, found, played.error if title == last else "") for title, found in tasks.items()]


def _part(title: str, each: Round, tasks: Sequence[TaskResult], error: str) -> Part:
    return Part(
        title=title,
        kinds=tuple(kind for kind, name in each.titles.items() if name == title),
        changed=sum(task.outcome is Outcome.CHANGED for task in tasks),
        failed=sum(task.outcome in BAD for task in tasks) if error else 0,
        skipped_by_check=sum(task.is_skipped_by_check for task in tasks),
        milliseconds=sum(task.milliseconds for task in tasks),
        error=error,
        tasks=tuple(tasks),
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
