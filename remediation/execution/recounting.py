"""What became of the steps of a run, in a few sentences however many there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from remediation.execution.states import StepStatus
from remediation.review.plans import OperationStep, PlanStep

MOST_NAMED = 5
"""Steps of which each has a sentence of its own; of more the others are counted."""
MOST_SAID = 20


def success(steps: Sequence[PlanStep], statuses: Mapping[int, str]) -> str:
    """What a run that succeeded did, and what it left out; the ticket's resolution."""
    skipped = [step for step in steps if statuses[step.number] == StepStatus.SKIPPED]
    done = [step for step in steps if statuses[step.number] != StepStatus.SKIPPED]
    did = [step.says if isinstance(step, OperationStep) else f"{step.title}." for step in done]
    left_out = [f"Step {step.number} ({step.title}) was skipped." for step in skipped]
    others = "other " if skipped else ""
    return " ".join(
        [*_few(did, "are done as well"), *_few(left_out, "were skipped"), f"Every {others}step was verified."]
    )


def standing(steps: Sequence[PlanStep], statuses: Mapping[int, str]) -> str:
    """Where every step stands, for people who go on from here; neighbours that stand alike are said together."""
    said = [
        sentence
        for status, alike in groupby(steps, key=lambda step: statuses[step.number].replace("_", " "))
        for sentence in _alike(list(alike), status)
    ]
    return " ".join(said if len(said) <= MOST_SAID else [*said[:MOST_SAID], "The others stand on the page of the run."])


def _alike(steps: Sequence[PlanStep], status: str) -> list[str]:
    if len(steps) <= 2:  # noqa: PLR2004 - a range begins with three
        return [f"Step {step.number} ({step.title}): {status}." for step in steps]
    return [f"Steps {steps[0].number} to {steps[-1].number}: {status}."]


def _few(sentences: Sequence[str], otherwise: str) -> list[str]:
    more = len(sentences) - MOST_NAMED
    if more <= 1:  # to count one takes as long as to name it
        return list(sentences)
    return [*sentences[:MOST_NAMED], f"{more} more steps {otherwise}."]
