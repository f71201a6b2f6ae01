"""What the edit page takes: the draft as text, and beside it every file of its role as it is. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from portal.kit.refusals import Refused, because
from remediation.drafting import roles, schema
from remediation.drafting.models import Revision
from remediation.playbooks import gate
from remediation.playbooks.gate import Finding
from remediation.review import draft_text, editing
from remediation.review.role_view import in_order
from remediation.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class Typed:
    """The text of a draft and the files of its role as typed, on top of the revision with the digest `base`."""

    draft: str
    files: Sequence[tuple[str, str]]
    base: str

    def data(self) -> dict[str, Any]:
        """The draft as plain data; Refused where the text does not read, or has no role for its files."""
        data = draft_text.data_of(self.draft)
        files = [{"path": path, "text": text} for path, text in self.files if text.strip()]
        if files and not isinstance(data.get("role"), dict):
            text = "The text has no role that these files belong to. Write it again, or empty the files."
            raise Refused(because("role", text, "draft"))
        if files:
            data["role"]["files"] = files
        return data


def of_head(head: Revision | None, ticket: Ticket) -> Typed:
    """What the page begins with: the newest revision, or the little that the ticket says."""
    if head is None:
        service = ticket.service.slug if ticket.service else None
        blank = draft_text.blank_of(title=ticket.title, service=service, systems=ticket.affected_systems)
        return Typed(blank, (), "")
    draft = schema.from_text(head.content)
    files = roles.files_of(draft.role) if draft.role else {}
    return Typed(draft_text.without_files(draft), [(path, files[path]) for path in in_order(files)], head.digest)


def of_post(post: QueryDict) -> Typed:
    """What was typed. Browsers send the line ends of another age; a file without a name or a text is none."""
    texts = [text.replace("\r\n", "\n") for text in post.getlist("file")]
    pairs = zip((path.strip() for path in post.getlist("path")), texts, strict=False)
    files = [(path, text) for path, text in pairs if path or text.strip()]
    return Typed(post.get("draft", "").replace("\r\n", "\n"), files, post.get("base_digest", ""))


def findings_of(typed: Typed) -> list[Finding]:
    """What the static gate says of the role; Refused where the draft does not fit its schema."""
    part = editing.parse(typed.data()).role
    if part is None:
        return []
    scope = gate.Scope(tuple(part.paths), tuple(part.services), tuple(part.packages))
    return gate.check(part.name, {file.path: file.text for file in part.files}, scope)


def by_file(findings: Sequence[Finding]) -> Mapping[str, Sequence[Finding]]:
    """Findings below the file that they are about."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for each in findings:
        found[each.file].append(each)
    return found
