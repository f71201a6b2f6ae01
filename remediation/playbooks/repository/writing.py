"""The words of a pull request: play, README with the evidence, checklist, proof, commit message. Pure.

Whatever people or the drafter wrote leaves the site without secrets, and is quoted: it can neither end a code block nor
become a heading or a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from portal.kit import redaction
from remediation.playbooks.gate.packing import scope_text
from remediation.playbooks.gate.shapes import Scope
from remediation.playbooks.repository.content import RequestContent

PLAY, README, PROOF, SCOPE = "play.yml", "README.md", "proof.txt", "scope.yml"
LONGEST_EVIDENCE = 600
WITHHELD = "[withheld: secrets could not be looked for]"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~])")
_CALLING = re.compile(r"([@#]|:(?=//)|\bGH(?=-))", re.IGNORECASE)


def files_of(content: RequestContent, *, digest: str, ticket_url: str) -> dict[str, str]:
    """Everything that stands in the folder of the request; the role itself in a folder of its name."""
    role = {f"{content.role_name}/{path}": text for path, text in content.files.items()}
    return {
        **role,
        PLAY: play(content),
        README: readme(content, digest=digest, ticket_url=ticket_url),
        PROOF: content.proof_text,
        SCOPE: scope_text(content.role_name, Scope(*map(tuple, (content.paths, content.services, content.packages)))),
    }


def play(content: RequestContent) -> str:
    """The play that applies the role; whoever runs it by hand names the hosts and takes a limit."""
    return (
        f"# Applies {content.role_name}. Run it with --limit: the hosts of the inventory are not its business.\n"
        "---\n"
        f"- name: Apply {content.role_name}\n"
        "  hosts: all\n"
        "  gather_facts: true\n"
        "  roles:\n"
        f"    - role: {content.role_name}\n"
    )


def title(content: RequestContent) -> str:
    """One line."""
    return f"{content.ticket_key}: role {content.role_name}, proven"[:200]


def message(content: RequestContent, *, digest: str, request: int) -> str:
    """What the commit says, with who reviewed the role as trailers."""
    trailers = [
        f"Ticket: {content.ticket_key}",
        f"Role-Digest: sha256:{digest}",
        f"Proof-Digest: sha256:{content.proof_digest}",
        f"Countersign-Request: {request}",
        *(f"Reviewed-by: {_line(each.name)} <{_line(each.username)}>" for each in content.signers),
    ]
    lines = [title(content), "", _silent(_line(content.root_cause)), "", *trailers]
    return "\n".join(lines) + "\n"


def readme(content: RequestContent, *, digest: str, ticket_url: str) -> str:
    """Evidence, proof, gates, people and checklist, as Markdown."""
    parts = [
        f"# {content.role_name}",
        f"For [{quoted(content.ticket_key)}]({ticket_url}): {quoted(content.title)}",
        *_section("Root cause", [quoted(content.root_cause)]),
        *_section("Symptom", [quoted(content.symptom)]),
        *_section("Hypothesis", [quoted(content.hypothesis)]),
        *_section("Evidence", _bullets(f"{each.ref}: {_short(each.text)}" for each in content.evidence)),
        *_section("Proof", _proof(content)),
        *_section("Gates", _table(["Gate", "Version", "Says"], _gates(content))),
        *_section("Signed for merge", _bullets(f"{quoted(each.name)}, {each.at}" for each in content.signers)),
        *_section("Blast radius", [quoted(content.blast_radius), _hosts(content.hosts)]),
        *_section("Back-out", [quoted(content.back_out), f"`{content.role_name}/tasks/backout.yml`"]),
        *_section("Checklist", ["\n".join(f"- [x] {quoted(line)}" for line in checklist(content))]),
        f"Role digest `sha256:{digest}`. Merge it as it is: a changed role has no proof, and is not run.",
    ]
    return "\n\n".join(parts) + "\n"


def checklist(content: RequestContent) -> list[str]:
    """What a person who merges can rely on, each with who or what stands for it; plain text."""
    hosts = ", ".join(sorted({each.host for each in content.tasks})) or "the canary"
    destroys = [f"Confirmed by {each.by}: {each.text} ({each.place})" for each in content.confirmed]
    return [
        f"Idempotency proven: the second real run on {hosts} changed nothing",
        *(destroys or ["No task destroys anything or sets a scope"]),
        f"Blast radius documented: {content.blast_radius}",
        f"Back-out documented, and played on {hosts}",
    ]


def labels(content: RequestContent) -> list[str]:
    """What the forge files it under."""
    return ["countersign", "proven", f"category: {content.category}", f"risk: {content.risk}"]


def quoted(text: str) -> str:
    """Text of others on one line, with everything that Markdown or a forge would understand made harmless."""
    return _silent(_SPECIAL.sub(r"\\\1", _line(text)))


def _silent(text: str) -> str:
    """Text in which a word joiner keeps a forge from calling people, from closing issues and from making links."""
    return _CALLING.sub("\\1\u2060", text)


def _short(text: str) -> str:
    """The beginning of a piece of evidence; the whole of it stands in the ticket."""
    line = _line(text)
    return quoted(line if len(line) <= LONGEST_EVIDENCE else f"{line[:LONGEST_EVIDENCE]} …")


def _line(text: str) -> str:
    """Text without secrets, on one line."""
    try:
        return " ".join(redaction.redact(text).text.split())
    except redaction.RedactionFailed:
        return WITHHELD


def _section(name: str, parts: Sequence[str]) -> list[str]:
    shown = [part for part in parts if part]
    return [f"## {name}", *shown] if shown else []


def _bullets(lines: Iterable[str]) -> list[str]:
    return ["\n".join(f"- {line}" for line in lines)]


def _proof(content: RequestContent) -> list[str]:
    rows = [(each.host, each.name, each.place, each.applied, each.again) for each in content.tasks]
    table = _table(["Host", "Task", "Place", "Applied", "Second run"], rows)
    return [*table, f"Digest `sha256:{content.proof_digest}`; the whole of it is in `{PROOF}`."]


def _gates(content: RequestContent) -> list[tuple[str, ...]]:
    return [(each.name, each.version, each.says) for each in content.gates]


def _hosts(hosts: Sequence[str]) -> str:
    return f"Hosts of the rollout: {', '.join(quoted(host) for host in hosts)}" if hosts else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *([quoted(cell) for cell in row] for row in rows)]
    return ["\n".join(f"| {' | '.join(line)} |" for line in lines)]
