"""The drafter that needs no key: signed remediations of the same pattern first, then the runbook library. Pure.

It takes every value from the ticket's own words and says where it stood. What is missing, or said twice in different
ways, it asks a person for; it never makes up a value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from portal.kit.refusals import Reason, Refused, because
from remediation.drafting import composing, refilling, rolebooks, schema
from remediation.drafting.protocol import (
    Answer,
    Drafted,
    DrafterName,
    DraftRequest,
    Exchange,
    NeedsPerson,
    Outcome,
    RoleWish,
)
from remediation.knowledge.extraction import Filled, Found, Shown, fill, shown
from remediation.knowledge.matching import Match, matching
from remediation.knowledge.procedures import FrontMatter

VERSION = "countersign.runbook-drafter/1"
TOO_CLOSE = 3  # percent; two runbooks this close that both apply are a question for a person


@dataclass(frozen=True, slots=True)
class Reading:
    """A runbook that applies: what it matched, the signs that were seen, the values that were read."""

    match: Match
    signs: tuple[Shown, ...]
    filled: Filled

    @property
    def front(self) -> FrontMatter:
        """The runbook itself."""
        return self.match.procedure.front


@dataclass(frozen=True, slots=True)
class RunbookDrafter:
    """Drafts from what is written down. `clock` tells the time, for the record."""

    clock: Callable[[], datetime]
    name: Final[DrafterName] = "runbook"
    is_paid: Final = False

    def draft(self, request: DraftRequest) -> Answer:
        """A draft, or what a person is asked for; the same request always gives the same answer."""
        started_at = self.clock()
        try:
            draft = _again(request) or _from_runbooks(request)
        except Refused as unclear:
            said = "\n".join(reason.text for reason in unclear.reasons)
            exchange = self._exchange(request, Outcome.NEEDS_PERSON, said, started_at)
            return NeedsPerson(unclear.reasons, (exchange,))
        return Drafted(draft, (self._exchange(request, Outcome.DRAFTED, schema.text_of(draft), started_at),))

    def _exchange(self, request: DraftRequest, outcome: Outcome, answer: str, started_at: datetime) -> Exchange:
        shown_text = "\n\n".join(f"[{passage.label}]\n{passage.text}" for passage in request.passages())
        return Exchange(
            outcome=outcome,
            detail="",
            prompt=shown_text,
            prompt_version=VERSION,
            answer=answer,
            model="",
            started_at=started_at,
            ended_at=self.clock(),
        )


def _again(request: DraftRequest) -> schema.Draft | None:
    """What was signed and helped before; where a role is wanted, a role."""
    return refilling.role_from_past(request) if request.role else refilling.from_past(request)


def _from_runbooks(request: DraftRequest) -> schema.Draft:
    """The draft by the best runbook that applies; raises Refused with everything a person has to settle."""
    matches = _matching(request)
    readings, missing = _applying(request, matches)
    if not readings:
        raise Refused(because("no_runbook", "No runbook fits this ticket."), *missing)
    best = readings[0]
    if rivals := [r for r in readings[1:] if best.match.percent - r.match.percent <= TOO_CLOSE]:
        names = " and ".join(f"“{reading.front.title}”" for reading in (best, *rivals))
        raise Refused(because("several_runbooks", f"These runbooks fit equally well: {names}."))
    if best.filled.problems:
        raise Refused(because("incomplete", f"The runbook “{best.front.title}” fits, but:"), *best.filled.problems)
    return _compose(request, best)


def _matching(request: DraftRequest) -> list[Match]:
    """The runbooks that answer the wording; only those that bring a role, where somebody asked for one."""
    wording = f"{request.title}\n{request.description}"
    matches = matching(wording=wording, category=request.category, procedures=request.procedures)
    if request.role != RoleWish.ASKED:
        return matches
    bringing = [match for match in matches if match.procedure.front.role]
    if matches and not bringing:
        names = ", ".join(f"“{match.procedure.front.title}”" for match in matches)
        raise Refused(because("no_role", f"No runbook that fits brings a role: {names}."))
    return bringing


def _applying(request: DraftRequest, matches: Iterable[Match]) -> tuple[list[Reading], list[Reason]]:
    """The matches whose signs the evidence shows, and for the others which signs are missing."""
    passages = request.passages()
    readings: list[Reading] = []
    missing: list[Reason] = []
    for match in matches:
        front = match.procedure.front
        seen = [(sign, shown(sign, passages)) for sign in front.signs]
        absent = [sign.says for sign, evidence in seen if evidence is None]
        if absent:
            text = f"“{front.title}” would fit, but no evidence shows this: {' '.join(absent)}"
            missing.append(because("sign_missing", text, front.slug))
        else:
            signs = tuple(evidence for _, evidence in seen if evidence)
            front = front.for_role if request.role else front
            readings.append(Reading(match, signs, fill(front, passages, request.targets)))
    return readings, missing


def _compose(request: DraftRequest, reading: Reading) -> schema.Draft:
    """A role where one is wanted and the runbook brings one, else steps."""
    if request.role and rolebooks.reaches(request, reading.front, reading.filled):
        return _with_role(request, reading)
    front, filled = reading.front, reading.filled
    steps = composing.steps_of(front, filled)
    return schema.Draft(
        summary=f"{front.title}, after the runbook {front.slug} v{front.version}.",
        hypothesis=composing.filled_in(front.hypothesis, filled.values),
        facts=_facts(reading),
        guesses=[f"Left out, since it is not certain: {text}" for text in filled.left_out],
        scope=composing.scope_of(steps, service=request.service, out_of_scope=list(front.out_of_scope)),
        steps=steps,
        rollback_owner=front.rollback_owner,
        rollback_minutes=front.rollback_minutes,
        confidence_percent=confidence(reading),
    )


def _with_role(request: DraftRequest, reading: Reading) -> schema.Draft:
    front, filled = reading.front, reading.filled
    part = rolebooks.part_of(reading.match.procedure, filled, request.timeline)
    steps = rolebooks.steps_of(part, front, filled)
    return schema.Draft(
        summary=f"The role {part.name} makes the fix last, after the runbook {front.slug} v{front.version}.",
        hypothesis=part.root_cause,
        facts=_facts(reading, rolebooks.names_read(front)),
        guesses=list(rolebooks.kept_defaults(front, filled)),
        scope=composing.scope_of(steps, service=request.service, out_of_scope=list(front.out_of_scope)),
        steps=steps,
        rollback_owner=front.rollback_owner,
        rollback_minutes=front.rollback_minutes,
        confidence_percent=confidence(reading),
        role=part,
    )


def confidence(reading: Reading) -> int:
    """Cited / required parameters x match, in percent; a value without citable evidence counts as not cited."""
    required = [parameter.name for parameter in reading.front.parameters if not parameter.is_optional]
    cited = sum(_cited_share(reading.filled.values[name]) for name in required)
    return int(reading.match.percent * cited / len(required))


def _cited_share(values: Sequence[Found]) -> Fraction:
    return Fraction(sum(bool(found.refs) for found in values), len(values))


def _facts(reading: Reading, names: Collection[str] | None = None) -> list[schema.Fact]:
    """Signs and values; where only some parameters were needed, of these."""
    facts = {
        (f"{sign.says} “{sign.quote}”" if sign.quote else sign.says): list(sign.refs[:20]) for sign in reading.signs
    }
    for name, values in reading.filled.values.items():
        for found in values if names is None or name in names else ():
            if found.refs:
                facts.setdefault(f"{name} is {found.text}: “{found.quote}”", list(found.refs[:20]))
    return [schema.Fact(text=text, evidence=refs) for text, refs in facts.items()]
