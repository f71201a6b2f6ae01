"""The moves of a run in waves, walked through to the end with every mix of failures: tables and properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from remediation.execution import staged
from remediation.execution.planning import OPEN_OUTCOME, Do, Move
from remediation.execution.staged import Aimed, Course
from remediation.execution.states import Asked, RunStatus, StepStatus

R, S = RunStatus, StepStatus
FATES = st.sampled_from(["well", "well", "well", "lost", "stops", "fails"])
BESIDE = {Do.STEP, Do.VERIFY, Do.RESOLVE}


@dataclass(slots=True)
class Walk:
    """A run that is walked through; `fates` say what becomes of each step, `holds` whether signals do after a wave."""

    steps: list[Aimed]
    error_budget: int
    fates: list[str]
    holds: list[bool]
    side_by_side: int = 1
    status: RunStatus = R.RUNNING
    wave: int = 1
    undoes: int = 0
    reason: str = ""
    made: list[list[tuple[Do, int]]] = field(default_factory=list)
    undone_in: set[int] = field(default_factory=set)

    def go(self) -> Walk:
        for _ in range(500):
            course = Course(self.wave, self.undoes, self.error_budget, self.side_by_side)
            moves = staged.next_moves(self.status, self.steps, course)
            if moves[0].do is Do.WAIT:
                return self
            self.made.append([(move.do, move.number) for move in moves])
            self.refuse_mixed(moves)
            for move in moves:
                self.make(move)
        raise AssertionError("the run never ends")

    def refuse_mixed(self, moves: Sequence[Move]) -> None:
        targets = [self.steps[self.index(move.number)].target for move in moves if move.number]
        assert len(moves) == 1 or len(set(targets)) == len(moves) <= self.side_by_side, "a target has one step in hand"
        assert len(moves) == 1 or ("" not in targets and {move.do for move in moves} <= BESIDE)

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
        assert not [step for step in self.steps if step.status in OPEN_OUTCOME], "it may have changed, and is forgotten"
        self.status, self.undoes = R.ROLLING_BACK, self.wave

    def step(self, move: Move) -> None:
        step = self.steps[self.index(move.number)]
        fate = self.fates[(move.number - 1) % len(self.fates)]
        assert step.wave <= self.wave, "a wave that is not open is not touched"
        if move.do is Do.STEP:
            self.take(step, fate)
        elif move.do is Do.RESOLVE:
            self.set(step, S.ACTED)
        elif move.do is Do.VERIFY:
            self.set(step, S.FAILED if fate == "fails" else S.VERIFIED)
        elif move.do is Do.UNDO:
            self.undone_in.add(step.wave if self.status is R.ROLLING_BACK else 0)
            self.set(step, S.ROLLED_BACK)
        elif move.do is Do.LEAVE_OUT:
            self.set(step, S.SKIPPED)

    def take(self, step: Aimed, fate: str) -> None:
        """As a worker does: what failed beside the step, in the same moment, keeps it from its intent."""
        if fate == "stops":
            self.set(step, S.FAILED)
        elif not staged.is_within(self.steps, self.error_budget):
            self.set(step, S.PREFLIGHT)
        else:
            self.set(step, S.UNKNOWN if fate == "lost" else S.ACTED, may_have_changed=True)

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


def walk(
    *waves: str, budget: int = 0, fates: str = "", holds: tuple[bool, ...] = (True,), side_by_side: int = 1
) -> Walk:
    """A letter of `fates` for every step: . well, s stopped by its pre-flight, f failed once done, l answer lost."""
    names = {".": "well", "s": "stops", "f": "fails", "l": "lost"}
    return Walk(steps(*waves), budget, [names[each] for each in fates or "."], list(holds), side_by_side).go()


def worded(made: Sequence[Sequence[tuple[Do, int]]]) -> list[str]:
    """`step 2 3` for what is done with steps 2 and 3 at the same time."""
    return [" ".join([moves[0][0], *(str(number) for _, number in moves if number)]) for moves in made]


def test_all_goes_well_wave_after_wave() -> None:
    assert worded(walk("a", "bc", "d").made) == [
        "step 1", "verify 1", "watch", "step 2", "verify 2", "step 3", "verify 3", "watch", "step 4", "verify 4", "end",
    ]  # fmt: skip


def test_targets_of_one_wave_go_side_by_side_step_by_step_and_no_more_of_them_than_may() -> None:
    run = walk("a", "bbccd", side_by_side=2)
    assert worded(run.made) == [
        "step 1", "verify 1", "watch",
        "step 2 4", "verify 2 4", "step 3 5", "verify 3 5", "step 6", "verify 6", "end",
    ]  # fmt: skip
    assert run.status is R.SUCCEEDED


def test_what_everything_depends_on_has_nothing_beside_it() -> None:
    run = walk(".ab.", side_by_side=4)
    assert worded(run.made)[:6] == ["step 1", "verify 1", "step 2 3", "verify 2 3", "step 4", "verify 4"]


def test_what_failed_keeps_those_beside_it_from_their_intent_and_what_was_begun_is_taken_back() -> None:
    run = walk("abc", fates=".s.", side_by_side=3)
    assert worded(run.made) == ["step 1 2 3", "turn_back 2", "undo 1", "end"]
    assert (run.status, run.statuses()) == (R.ROLLED_BACK, ["rolled_back", "failed", "preflight"])


def test_what_nobody_knows_is_found_out_before_its_wave_is_taken_back() -> None:
    run = walk("abc", fates="lfl", side_by_side=3)
    assert worded(run.made) == [
        "step 1 2 3", "resolve 1 3", "verify 1 2 3", "turn_back 2", "undo 3", "undo 2", "undo 1", "end",
    ]  # fmt: skip


def test_a_target_within_the_budget_is_taken_back_alone_and_then_the_others_go_on() -> None:
    run = walk("aabbccd", budget=1, fates="..f....", side_by_side=2)
    assert worded(run.made) == [
        "step 1 3", "verify 1 3", "undo 3", "leave_out 4",
        "step 2 5", "verify 2 5", "step 6 7", "verify 6 7", "end",
    ]  # fmt: skip


def test_a_pause_lets_what_was_done_be_verified_and_a_stop_what_is_in_hand_be_finished() -> None:
    course = Course(wave=1, undoes=0, error_budget=0, side_by_side=3)
    stands = {1: S.ACTED, 2: S.ACTED, 3: S.PREFLIGHT}
    held = [replace(each, status=stands[each.number]) for each in steps("abc")]
    moves = staged.next_moves(R.RUNNING, held, course, Asked.PAUSE)
    assert worded([[(move.do, move.number) for move in moves]]) == ["verify 1 2"]
    held = [replace(each, status=S.PREFLIGHT if each.number == 2 else S.PENDING) for each in held]
    moves = staged.next_moves(R.RUNNING, held, course, Asked.STOP_AFTER_STEP)
    assert worded([[(move.do, move.number) for move in moves]]) == ["step 2"]
    (halt,) = staged.next_moves(R.RUNNING, held, course, Asked.PAUSE)
    assert (halt.do, halt.to) == (Do.HALT, R.PAUSED)


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
        (move,) = staged.next_moves(R.RUNNING, held, course, Asked.PAUSE)
        assert (move.do, move.to) == (Do.HALT, R.PAUSED)


LETTERS = st.text("abcd.", min_size=1, max_size=5)


@given(st.lists(LETTERS, min_size=1, max_size=4), st.lists(FATES, min_size=1, max_size=8),
       st.lists(st.booleans(), min_size=1, max_size=4), st.integers(0, 3), st.integers(1, 4))  # fmt: skip
def test_every_walk_ends_and_keeps_the_rules(
    waves: list[str], fates: list[str], holds: list[bool], budget: int, side_by_side: int
) -> None:
    own = [replace(each, target=f"{each.target}{each.wave}" if each.target else "") for each in steps(*waves)]
    run = Walk(own, budget, fates, holds, side_by_side).go()
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
