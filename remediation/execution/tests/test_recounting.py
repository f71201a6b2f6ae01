"""What became of a run is said in a few sentences, whether it has two steps or thousands."""

from __future__ import annotations

from remediation.execution import recounting
from remediation.review.plans import CommandStep


def steps(count: int) -> list[CommandStep]:
    return [_step(number) for number in range(1, count + 1)]


def _step(number: int) -> CommandStep:
    return CommandStep(
        number=number,
        title=f"Title {number}",
        system="host",
        connector="lab",
        is_lab=True,
        preflight_command="true",
        preflight_expects="",
        stop_if="",
        command="true",
        verify_command="true",
        verify_expects="",
        rollback_command="true",
        rollback_says="",
        irreversible="",
        blast_radius="",
        review="",
    )


def test_a_short_run_names_every_step_it_did() -> None:
    done = dict.fromkeys(range(1, 7), "verified")
    words = " ".join(f"Title {number}." for number in range(1, 7))
    assert recounting.success(steps(6), done) == f"{words} Every step was verified."


def test_of_a_long_run_the_first_are_named_and_the_others_counted() -> None:
    done = dict.fromkeys(range(1, 5_001), "verified") | {7: "skipped"}
    said = recounting.success(steps(5_000), done)
    assert said == (
        "Title 1. Title 2. Title 3. Title 4. Title 5. 4994 more steps are done as well."
        " Step 7 (Title 7) was skipped. Every other step was verified."
    )


def test_steps_that_stand_alike_are_said_together() -> None:
    statuses = dict.fromkeys(range(1, 41), "verified") | {41: "rollback_failed", 42: "skipped", 43: "skipped"}
    assert recounting.standing(steps(43), statuses) == (
        "Steps 1 to 40: verified. Step 41 (Title 41): rollback failed."
        " Step 42 (Title 42): skipped. Step 43 (Title 43): skipped."
    )


def test_however_they_stand_it_is_not_said_of_thousands() -> None:
    statuses = {number: ("verified", "failed")[number % 2] for number in range(1, 5_001)}
    said = recounting.standing(steps(5_000), statuses)
    assert said.count("Step ") == recounting.MOST_SAID
    assert said.endswith("The others stand on the page of the run.")
