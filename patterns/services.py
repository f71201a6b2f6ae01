"""Places tickets in patterns, records what happened to them, and keeps the standing: a fold that can be rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from patterns import trust
from patterns.models import Exemplar, Occurrence, Pattern
from patterns.reliability import permille
from patterns.signature import SIMILAR, Signature, signature_of, similarity
from patterns.standing import OccurrenceFacts, Standing, Thresholds, standing_of
from portal.audit import services as audit
from portal.estate.models import Category
from portal.jobs import services as jobs
from portal.kit import statements
from portal.kit.actors import Actor, Ref, system
from portal.kit.statements import Query, given

LEARNER = system("patterns")
_SAME = Query(lambda: Pattern.objects.select_for_update().filter(signature=given("signature")))
MOST_EXEMPLARS = 20
CANDIDATES = 10

_NEAREST = """
(SELECT e.pattern_id, e.text FROM patterns_exemplar e JOIN patterns_pattern p ON p.id = e.pattern_id
  WHERE p.category_id = %(category)s ORDER BY e.text <-> %(terms)s LIMIT %(limit)s)
UNION
(SELECT e.pattern_id, e.text FROM patterns_exemplar e JOIN patterns_pattern p ON p.id = e.pattern_id
  WHERE p.category_id = %(category)s AND e.terms @@ to_tsquery('english', %(any)s)
  ORDER BY ts_rank(e.terms, to_tsquery('english', %(any)s)) DESC, e.id LIMIT %(limit)s)
"""


@dataclass(frozen=True, slots=True)
class Wording:
    """A ticket as patterns see it; the ticket itself lives in a room above."""

    ticket: Ref
    category: Category
    title: str
    description: str
    environment: str


@dataclass(frozen=True, slots=True)
class Placed:
    """The pattern of a ticket. `similarity` is 100 for the same signature, None for the first of its kind."""

    pattern: Pattern
    similarity: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's feedback as patterns see it."""

    ticket: Ref
    person_id: int
    feedback_type: str
    rating: int
    resolution_accurate: bool | None
    actions_worked: bool | None


def place(wording: Wording, *, at: datetime) -> Placed:
    """The pattern of a ticket: by signature, else by similarity over exemplars, else a new one. Once per ticket.

    Its figures follow as a job while the number of tickets keeps it from being eligible; beyond that a ticket more
    changes nothing but the count.
    """
    signature = signature_of(wording.category.slug, wording.title, wording.description)
    with transaction.atomic(savepoint=False):
        placed = _find(wording.category, signature) or _found(wording, signature, at)
        pattern = placed.pattern
        if _see(pattern, wording, at):
            pattern.occurrences += 1
            statements.update(Pattern, {"pk": pattern.pk}, occurrences=pattern.occurrences)
            if placed.similarity is None or pattern.signature != signature.digest:  # else the wording is there
                _add_exemplar(pattern, signature, at)
            if pattern.occurrences <= thresholds().min_occurrences:
                jobs.enqueue("patterns.refold", subject_id=pattern.pk, at=at, key=str(pattern.pk))
    return placed


def observe_run(
    *,
    pattern_id: int,
    ticket: Ref,
    run_id: int,
    succeeded: bool,
    action: str,
    environment: str,
    at: datetime,
    fingerprint: str = "",
) -> bool:
    """A finished run of a ticket of this pattern: True, but asking twice adds nothing.

    One that failed costs the certificate.
    """
    with transaction.atomic():
        _, is_new = Occurrence.objects.get_or_create(
            source=f"run:{run_id}",
            defaults={
                "pattern_id": pattern_id,
                "kind": Occurrence.Kind.EXECUTED,
                "at": at,
                "ticket_id": ticket.id,
                "ticket_key": ticket.name,
                "environment": environment,
                "action": action,
                "succeeded": succeeded,
                "fingerprint": fingerprint,
            },
        )
        if is_new and not succeeded:
            trust.distrust(
                pattern_id=pattern_id,
                action=action,
                environment=environment,
                reason=f"The run of {ticket.name} did not succeed.",
                actor=LEARNER,
                at=at,
            )
    refold(pattern_id, at=at)
    return is_new


def observe_feedback(
    *, pattern_id: int, answer: Answer, reliability_permille: int | None, at: datetime
) -> tuple[Standing, Standing]:
    """An answer, or a changed one, about a ticket of this pattern, with the ticket's reliability after it.

    Returns how the pattern stood right before and right after.
    """
    occurrence, _ = Occurrence.objects.get_or_create(
        source=_feedback_source(answer.ticket.id, answer.person_id, at),
        defaults={
            "pattern_id": pattern_id,
            "kind": Occurrence.Kind.FEEDBACK,
            "at": at,
            "ticket_id": answer.ticket.id,
            "ticket_key": answer.ticket.name,
            "person_id": answer.person_id,
            "feedback_type": answer.feedback_type,
            "rating": answer.rating,
            "resolution_accurate": answer.resolution_accurate,
            "actions_worked": answer.actions_worked,
            "reliability_permille": reliability_permille,
        },
    )
    refold(pattern_id, at=at)
    return _shift(occurrence)


def refold(pattern_id: int, *, at: datetime, actor: Actor = LEARNER) -> bool:
    """Fold the occurrences of a pattern again; True if a number changed. A change of eligibility is an event."""
    with transaction.atomic():
        pattern = Pattern.objects.select_for_update().get(pk=pattern_id)
        before = {name: getattr(pattern, name) for name in FIGURES}
        standing = standing_of(_facts(pattern), thresholds())
        _apply(pattern, standing)
        after = {name: getattr(pattern, name) for name in FIGURES}
        if before == after and pattern.standing_at:
            return False
        pattern.standing_at = at
        pattern.save(update_fields=[*FIGURES, "standing_at"])
        if before["is_eligible"] != after["is_eligible"]:
            data = {"is_eligible": pattern.is_eligible, "reasons": list(pattern.reasons)}
            audit.record("pattern.eligibility_changed", actor=actor, at=at, subject=ref(pattern), data=data)
    return before != after


def thresholds() -> Thresholds:
    """What a pattern must reach, from the site's settings."""
    return Thresholds(
        min_occurrences=settings.PATTERN_MIN_OCCURRENCES, min_positive_rate=settings.PATTERN_MIN_POSITIVE_RATE
    )


def _shift(occurrence: Occurrence) -> tuple[Standing, Standing]:
    """The standing of a pattern right before and right after one of its occurrences."""
    facts = [each for each in _facts(occurrence.pattern) if each.id <= occurrence.pk]
    before = [each for each in facts if each.id < occurrence.pk]
    return standing_of(before, thresholds()), standing_of(facts, thresholds())


def ref(pattern: Pattern) -> Ref:
    """The pattern as a value."""
    return Ref("patterns.pattern", pattern.pk, pattern.title)


FIGURES = (
    "occurrences",
    "feedback_count",
    "positive_permille",
    "average_rating_hundredths",
    "reliability_permille",
    "executed_count",
    "succeeded_count",
    "is_eligible",
    "reasons",
)


def _see(pattern: Pattern, wording: Wording, at: datetime) -> bool:
    """Write down that a ticket of a locked pattern came; False if that was known."""
    seen = Occurrence(
        pattern=pattern,
        source=f"seen:{wording.ticket.id}",
        kind=Occurrence.Kind.SEEN,
        at=at,
        ticket_id=wording.ticket.id,
        ticket_key=wording.ticket.name,
        environment=wording.environment,
    )
    return statements.insert_unless_known(seen, by="source")


def _find(category: Category, signature: Signature) -> Placed | None:
    """The pattern that the wording belongs to, locked: who counts, counts alone."""
    same = _SAME.first(signature=signature.digest)
    if same:
        return Placed(same, 100)
    scored = [(similarity(text, signature.terms), pattern_id) for pattern_id, text in _nearest(category, signature)]
    best, pattern_id = max(scored, default=(0.0, 0))
    if best < SIMILAR:
        return None
    return Placed(Pattern.objects.select_for_update().get(pk=pattern_id), round(best))


def _nearest(category: Category, signature: Signature) -> Sequence[tuple[int, str]]:
    """Exemplars of the category that share trigrams or words; the exact score is computed on these few."""
    wanted: dict[str, str | int] = {
        "category": category.pk,
        "terms": signature.terms,
        "any": " | ".join(signature.key_terms) or "''",
        "limit": CANDIDATES,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, wanted)
        return [(int(pattern_id), str(text)) for pattern_id, text in cursor.fetchall()]


def _found(wording: Wording, signature: Signature, at: datetime) -> Placed:
    """A new pattern, locked; of two that found the same at once, one wins and the other joins it."""
    pattern, is_new = Pattern.objects.select_for_update().get_or_create(
        signature=signature.digest,
        defaults={
            "category": wording.category,
            "title": wording.title,
            "key_terms": list(signature.key_terms),
            "created_at": at,
        },
    )
    if is_new:
        audit.record("pattern.found", actor=LEARNER, at=at, subject=ref(pattern), ticket=wording.ticket)
    return Placed(pattern, None if is_new else 100)


def _add_exemplar(pattern: Pattern, signature: Signature, at: datetime) -> None:
    if pattern.exemplars.count() < MOST_EXEMPLARS:
        Exemplar.objects.get_or_create(pattern=pattern, text=signature.terms, defaults={"added_at": at})


def _facts(pattern: Pattern) -> list[OccurrenceFacts]:
    return [
        OccurrenceFacts(
            id=row.pk,
            kind=row.kind,  # type: ignore[arg-type]  # one of the choices
            at=row.at,
            ticket_id=row.ticket_id,
            succeeded=row.succeeded,
            person_id=row.person_id,
            feedback_type=row.feedback_type or None,  # type: ignore[arg-type]  # one of the choices
            rating=row.rating,
            resolution_accurate=row.resolution_accurate,
            actions_worked=row.actions_worked,
            reliability=row.reliability,
        )
        for row in pattern.events.all()
    ]


def _apply(pattern: Pattern, standing: Standing) -> None:
    pattern.occurrences = standing.occurrences
    pattern.feedback_count = standing.feedback_count
    pattern.positive_permille = _permille(standing.positive_rate)
    pattern.average_rating_hundredths = (
        None if standing.average_rating is None else round(standing.average_rating * 100)
    )
    pattern.reliability_permille = _permille(standing.mean_reliability)
    pattern.executed_count = standing.executed
    pattern.succeeded_count = standing.succeeded
    pattern.is_eligible = standing.eligible
    pattern.reasons = list(standing.reasons)


def _feedback_source(ticket_id: int, person_id: int, at: datetime) -> str:
    """One per person, ticket and moment: a changed answer is an occurrence of its own."""
    return f"feedback:{ticket_id}:{person_id}:{at.isoformat()}"


def _permille(value: float | None) -> int | None:
    return None if value is None else permille(value)
