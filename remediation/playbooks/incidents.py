"""An incident in a file becomes a role in a folder, without a database: the same readers, drafters and gate. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from portal.kit.redaction import redact
from remediation.connectors import identities
from remediation.connectors.operations import Family
from remediation.drafting import roles, schema
from remediation.drafting.protocol import Drafted, DraftRequest, EvidenceText, RoleWish
from remediation.knowledge import library
from remediation.knowledge.extraction import KnownTarget
from remediation.playbooks import gate
from remediation.tickets import notes, timelines
from remediation.tickets.timelines import Timeline

CATEGORY = "server"
LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """A role with everything that is said about it: files by path, findings of the static gate, what to confirm."""

    draft: schema.Draft
    part: schema.RolePart
    files: dict[str, str]
    findings: list[gate.Finding]
    marked: list[gate.Marked]


def request_of(text: str, *, day: date, hosts: Sequence[str], category: str) -> DraftRequest:
    """What a drafter is told; without `hosts` those that stand at the prompts. ValueError says what is missing."""
    if len(text) > LARGEST:
        raise ValueError(f"The incident has more than {LARGEST:,} characters.")
    timeline = notes.read(text, day=day)
    named = tuple(hosts) or timeline.hosts
    problems = [f"{problem.field}: {problem.text}" for problem in timelines.problems_of(timeline)]
    if not named:
        problems.append("No host stands at a prompt. Name them with --host.")
    if problems:
        raise ValueError("\n".join(problems))
    return DraftRequest(
        key="INCIDENT",
        title=timeline.entries[0].text.partition("\n")[0] or timeline.symptom,
        description=timeline.summary,
        category=category,
        severity=None,
        environment=None,
        service=None,
        systems=named,
        evidence=_evidence(timeline),
        procedures=tuple(each.procedure for each in library.shipped().values()),
        targets=tuple(KnownTarget(identities.host(host), Family.HOSTS, plays_roles=True) for host in named),
        timeline=timeline,
        role=RoleWish.ASKED,
    )


def written(answer: Drafted) -> Written:
    """The role of an answer, judged."""
    part = answer.draft.role
    if part is None:
        raise ValueError("The draft has no role.")
    files = roles.files_of(part)
    scope = gate.Scope(tuple(part.paths), tuple(part.services), tuple(part.packages))
    return Written(answer.draft, part, files, gate.check(part.name, files, scope), gate.marked(files))


def readme_of(role: Written, request: DraftRequest, answer: Drafted) -> str:
    """What people read before the role: cause, evidence, scope, what to confirm. Secrets are taken out of it."""
    return redact("\n".join(_readme(role, request, answer)) + "\n").text


def _evidence(timeline: Timeline) -> tuple[EvidenceText, ...]:
    pieces = enumerate(timelines.pieces_of(timeline), 1)
    return tuple(EvidenceText(f"E{n}", each.kind, each.text, each.command or None, each.at) for n, each in pieces)


def _readme(role: Written, request: DraftRequest, answer: Drafted) -> Iterator[str]:
    part, draft = role.part, role.draft
    yield from (f"# {part.name}", "", draft.summary, "")
    yield from (f"- Symptom: {part.symptom}", f"- Root cause: {part.root_cause}")
    yield from (f"- Hosts: {', '.join(request.role_hosts)}", f"- Digest: {roles.part_digest(part)}")
    yield f"- Confidence: {draft.confidence_percent} %, drafted by {_drafter(answer)}"
    yield from ("", "## Facts", "", *(f"- {fact.text} ({', '.join(fact.evidence)})" for fact in draft.facts))
    if draft.guesses:
        yield from ("", "## Guesses", "", *(f"- {guess}" for guess in draft.guesses))
    yield from ("", "## Patch scope", "")
    for name, values in (("Paths", part.paths), ("Services", part.services), ("Packages", part.packages)):
        yield f"- {name}: {', '.join(values) or 'none'}"
    yield from ("", "## To confirm", "")
    yield from (f"- [ ] `{each.file}:{each.line}` {each.task}: {each.why}" for each in role.marked)
    yield from ("", "## Static gate", "", f"Ruleset {gate.RULESET}: {len(role.findings) or 'no'} findings.", "")
    yield from (f"- `{each.file}:{each.line}` {each.text} {each.mend}" for each in role.findings)
    yield from ("## Evidence", "", *(_quoted(piece) for piece in request.evidence), "")
    yield "Nothing of this was run. It is a draft: a canary has to prove it before it goes anywhere."


def _drafter(answer: Drafted) -> str:
    last = answer.exchanges[-1]
    return f"{last.model or 'the runbooks'} ({last.prompt_version})"


def _quoted(piece: EvidenceText) -> str:
    text = f"$ {piece.command}\n{piece.text}" if piece.command else piece.text
    at = f", {piece.observed_at:%Y-%m-%d %H:%M} UTC" if piece.observed_at else ""
    body = "\n".join(f"    {line}" for line in text.splitlines())
    return f"{piece.ref} ({piece.kind}{at})\n\n{body}\n"
