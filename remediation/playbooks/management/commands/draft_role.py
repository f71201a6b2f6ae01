"""`manage.py draft_role INCIDENT.md --out DIR` drafts a role from an incident: in a CI job, without a database.

The only secret it takes is ANTHROPIC_API_KEY; without it the shipped runbooks draft. It ends with 0: drafted, and the
static gate found nothing; 1: drafted, with findings to mend; 2: it cannot begin; 3: a person has to answer questions
first; 4: the drafter failed.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.kit.redaction import RedactionFailed
from remediation.drafting import drafting
from remediation.drafting.protocol import Answer, Drafted, DraftRequest, NeedsPerson
from remediation.playbooks import incidents
from remediation.playbooks.incidents import Written

FINDINGS, UNABLE, QUESTIONS, FAILED = 1, 2, 3, 4


class Command(BaseCommand):
    help = "Drafts an Ansible role from the timeline of an incident, checks it, and writes it with a README."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("incident", type=Path, help="the timeline: Markdown or pasted notes")
        parser.add_argument("--out", type=Path, required=True, help="the folder to write into; it must be new or empty")
        parser.add_argument("--host", action="append", default=[], help="a host that gets the role; may be given again")
        parser.add_argument("--category", default=incidents.CATEGORY, help="what the incident is about: %(default)s")
        parser.add_argument("--day", type=date.fromisoformat, help="the day of times that name none; today")

    def handle(self, *_: Any, incident: Path, out: Path, host: list[str], category: str, **options: Any) -> None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise CommandError(f"{out} is not an empty folder.", returncode=UNABLE)
        day = options["day"] or timezone.now().date()
        request = _request(incident, day, host, category)
        answer = drafting.configured_drafter(timezone.now).draft(request)
        role = incidents.written(_drafted(answer))
        readme = _readme(role, request, _drafted(answer))
        _write(out, {f"{role.part.name}/{path}": text for path, text in role.files.items()} | {"README.md": readme})
        for found in role.findings:
            self.stderr.write(f"{found.file}:{found.line}: {found.text} {found.mend}")
        if role.findings:
            text = f"{out / role.part.name} is written; the static gate has {len(role.findings)} findings."
            raise CommandError(text, returncode=FINDINGS)
        self.stdout.write(
            f"{out / role.part.name}: the static gate has no finding; {len(role.marked)} rows to confirm."
        )


def _request(incident: Path, day: date, hosts: list[str], category: str) -> DraftRequest:
    try:
        text = incident.read_text(encoding="utf-8")
        return incidents.request_of(text, day=day, hosts=hosts, category=category)
    except (OSError, ValueError) as problem:
        raise CommandError(str(problem), returncode=UNABLE) from problem


def _drafted(answer: Answer) -> Drafted:
    if isinstance(answer, Drafted):
        return answer
    if isinstance(answer, NeedsPerson):
        questions = "\n".join(f"- {reason.text}" for reason in answer.reasons)
        raise CommandError(f"A person has to say more first:\n{questions}", returncode=QUESTIONS)
    raise CommandError(answer.message, returncode=FAILED)


def _readme(role: Written, request: DraftRequest, answer: Drafted) -> str:
    try:
        return incidents.readme_of(role, request, answer)
    except RedactionFailed:
        text = "Secrets could not be looked for in what was drafted, so it is not written."
        raise CommandError(text, returncode=FAILED) from None


def _write(out: Path, files: dict[str, str]) -> None:
    try:
        for path, text in files.items():
            place = out / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise CommandError(f"{out} cannot be written: {problem}.", returncode=UNABLE) from problem
