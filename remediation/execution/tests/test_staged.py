"""The moves of a run in waves, walked through to the end with every mix of failures: tables and properties."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from remediation.execution import staged
from remediation.execution.planning import Do, Move
from remediation.execution.staged import Aimed, Course
from remediation.execution.states import Asked, RunStatus, StepStatus

R, S = RunStatus, StepStatus
FATES = st.sampled_from(["well", "well", "well", "stops", "fails"])


@dataclass(slots=True)
class Walk:
    """A run that is walked through; `fates` say what becomes of each step, `holds` whether signals do after a wave."""

    steps: list[Aimed]
    error_budget: int
    fates: list[str]
    holds: list[bool]
    status: RunStatus = R.RUNNING
    wave: int = 1
    undoes: int = 0
    reason: str = ""
    made: list[tuple[Do, int]] = field(default_factory=list)
    undone_in: set[int] = field(default_factory=set)

    def go(self) -> Walk:
        for _ in range(500):
            move = staged.next_move(self.status, self.steps, Course(self.wave, self.undoes, self.error_budget))
            if move.do is Do.WAIT:
                return self
            self.made.append((move.do, move.number))
            self.make(move)
        raise AssertionError("the run never ends")

    def make(self, move: Move) -> None:
        if move.do is Do.WATCH:
            if self.holds[(self.wave - 1) % len(self.holds)]:
                self.wave += 1
            else:
                self.turn_back()
        elif move.do is Do.TURN_BACK:
            self.turn_back()
        elif move.do is Do.END:
            assert move.to is not None
            self.status, self.reason = move.to, move.reason
        else:
            self.step(move)

    def turn_back(self) -> None:
        self.status, self.undoes = R.ROLLING_BACK, self.wave

    def step(self, move: Move) -> None:
        step = self.steps[self.index(move.number)]
        assert step.wave <= self.wave, "a wave that is not open is not touched"
        if move.do is Do.STEP:
            fate = self.fates[(move.number - 1) % len(self.fates)]
            if fate == "stops":
                self.set(step, S.FAILED)
            else:
                self.set(step, S.VERIFIED if fate == "well" else S.FAILED, may_have_changed=True)
        elif move.do is Do.UNDO:
            self.undone_in.add(step.wave if self.status is R.ROLLING_BACK else 0)
            self.set(step, S.ROLLED_BACK)
        elif move.do is Do.LEAVE_OUT:
            self.set(step, S.SKIPPED)

    def index(self, number: int) -> int:
        return next(place for place, step in enumerate(self.steps) if step.number == number)

    def set(self, step: Aimed, status: StepStatus, *, may_have_changed: bool | None = None) -> None:
        changed = step.may_have_changed if may_have_changed is None else may_have_changed
        self.steps[self.index(step.number)] = replace(step, status=status, may_have_changed=changed)

    def statuses(self) -> list[str]:
        return [step.status.value for step in self.steps]


def steps(*waves: str) -> list[Aimed]:
    """`aab` is a wave of two steps on a and one on b; a `.` is a step that everything depends on."""
    letters = [(number, letter) for number, wave in enumerate(waves, start=1) for letter in wave]
    return [
        Aimed(place, S.PENDING, False, True, wave, letter.strip("."))
        for place, (wave, letter) in enumerate(letters, start=1)
    ]


def walk(*waves: str, budget: int = 0, fates: str = "", holds: tuple[bool, ...] = (True,)) -> Walk:
    """`fates` has a letter for every step: . well, s stopped by its pre-flight, f failed after it may have acted."""
    names = {".": "well", "s": "stops", "f": "fails"}
    return Walk(steps(*waves), budget, [names[each] for each in fates or "."], list(holds)).go()


def test_all_goes_well_wave_after_wave() -> None:
    made = walk("a", "bc", "d").made
    assert made == [
        (Do.STEP, 1), (Do.WATCH, 0), (Do.STEP, 2), (Do.STEP, 3), (Do.WATCH, 0), (Do.STEP, 4), (Do.END, 0),
    ]  # fmt: skip


def test_a_canary_after_which_not_all_is_well_is_taken_back_and_nothing_stays() -> None:
    run = walk("ab", "cd", holds=(False,))
    assert (run.status, run.statuses()) == (R.ROLLED_BACK, ["rolled_back", "rolled_back", "pending", "pending"])


def test_a_later_wave_is_taken_back_alone_and_the_run_says_what_stays() -> None:
    run = walk("a", "bc", "d", holds=(True, False))
    assert (run.status, run.statuses()) == (R.FAILED, ["verified", "rolled_back", "rolled_back", "pending"])
    assert run.reason == "Wave 2 was taken back; what earlier waves did stays in place."


def test_without_a_budget_the_first_failure_takes_its_wave_back() -> None:
    run = walk("a", "bcd", fates=".." + "f.")
    assert (run.status, run.statuses()) == (R.FAILED, ["verified", "rolled_back", "rolled_back", "pending"])


def test_within_the_budget_a_target_is_taken_back_and_the_others_go_on() -> None:
    run = walk("aabbcc", budget=1, fates="...f..")
    assert run.statuses() == ["verified"] * 2 + ["rolled_back"] * 2 + ["verified"] * 2
    assert run.status is R.FAILED
    words = "1 of 3 targets failed, which the error budget allows, and are as before: b. The others are done."
    assert run.reason == words


def test_what_is_left_of_a_target_that_was_given_up_is_left_out() -> None:
    run = walk("abbb", budget=1, fates=".s..")
    assert run.statuses() == ["verified", "failed", "skipped", "skipped"]


def test_one_target_more_than_the_budget_takes_the_wave_back() -> None:
    run = walk("a", "bcd", budget=1, fates=".ss.")
    assert (run.status, run.statuses()) == (R.FAILED, ["verified", "failed", "failed", "pending"])


def test_what_everything_depends_on_is_no_matter_of_the_budget() -> None:
    run = walk(".ab", budget=5, fates="s..")
    assert (run.status, run.statuses()) == (R.FAILED, ["failed", "pending", "pending"])


def test_a_pause_comes_before_the_next_look_and_before_a_target_is_taken_back() -> None:
    course = Course(wave=1, undoes=0, error_budget=1)
    watched = [replace(each, status=S.VERIFIED, may_have_changed=True) for each in steps("a")] + steps("b", "b")[1:]
    given_up = [replace(each, status=S.FAILED, may_have_changed=True) for each in steps("a")]
    for held in (watched, given_up):
        move = staged.next_move(R.RUNNING, held, course, Asked.PAUSE)
        assert (move.do, move.to) == (Do.HALT, R.PAUSED)


LETTERS = st.text("abcd.", min_size=1, max_size=5)


@given(st.lists(LETTERS, min_size=1, max_size=4), st.lists(FATES, min_size=1, max_size=8),
       st.lists(st.booleans(), min_size=1, max_size=4), st.integers(0, 3))  # fmt: skip
def test_every_walk_ends_and_keeps_the_rules(
    waves: list[str], fates: list[str], holds: list[bool], budget: int
) -> None:
    own = [replace(each, target=f"{each.target}{each.wave}" if each.target else "") for each in steps(*waves)]
    run = Walk(own, budget, fates, holds).go()
    assert run.status in {R.SUCCEEDED, R.FAILED, R.ROLLED_BACK}
    stands = [each for each in run.steps if each.status is S.VERIFIED]
    if run.status is R.SUCCEEDED:
        assert len(stands) == len(run.steps)
    if run.status is R.ROLLED_BACK:
        assert not stands
    assert run.undone_in <= {0, run.wave}, "only the wave that went wrong is taken back"
    lost = staged.lost(run.steps)
    if run.undoes == 0 and run.status is R.FAILED and stands:
        assert 0 < len(lost) <= budget
    for target in lost:
        left = [each for each in run.steps if each.target == target and each.may_have_changed]
        assert all(each.status is S.ROLLED_BACK for each in left), "a target that failed is as before"
