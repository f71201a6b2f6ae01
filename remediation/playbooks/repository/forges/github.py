"""GitHub's REST API, as much of it as opens a pull request and follows it. Other hosts speak it too (ROLE_FORGE_URL).

`MAY` lists every call there is: a merge is none of them, so the credential needs no right to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from portal.jobs.outside import refuse_inside_transaction
from remediation.playbooks.repository.conf import Remote
from remediation.playbooks.repository.forges import Opened, Opening, Remark, Seen
from remediation.playbooks.repository.git import Rejected, Unreachable
from remediation.playbooks.repository.states import RequestStatus

if TYPE_CHECKING:
    import httpx2

SECONDS = 15.0
PAGES = 5
PER_PAGE = 100
LONGEST = 8_000
LONGEST_BODY = 60_000  # GitHub takes 65,536
MAY = (
    ("GET", re.compile(r"/pulls")),
    ("POST", re.compile(r"/pulls")),
    ("GET", re.compile(r"/pulls/[0-9]+")),
    ("PATCH", re.compile(r"/pulls/[0-9]+")),
    ("GET", re.compile(r"/pulls/[0-9]+/comments")),
    ("GET", re.compile(r"/issues/[0-9]+/comments")),
    ("POST", re.compile(r"/issues/[0-9]+/comments")),
    ("POST", re.compile(r"/issues/[0-9]+/labels")),
)
LONGEST_NAME = 200
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PAGE = re.compile(r"https?://[!-~]{1,500}")
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

T = TypeVar("T")
Row = Mapping[str, Any]


class GitHub:
    """One repository on GitHub."""

    def __init__(self, client: httpx2.Client, remote: Remote) -> None:
        self._client = client
        self._remote = remote

    def open(self, opening: Opening) -> Opened:
        """Found first: an answer that was lost must not open a second one."""
        found = self.find(opening.branch)
        if found is None:
            body = {"title": opening.title, "head": opening.branch, "base": self._remote.branch, "body": _cut(opening)}
            found = _opened(self._call("POST", "/pulls", json=body))
        return Opened(found.number, found.url, self._labelled(found.number, opening.labels))

    def find(self, branch: str) -> Opened | None:
        owner = self._remote.forge_repository.partition("/")[0]
        wanted = {"head": f"{owner}:{branch}", "base": self._remote.branch, "state": "all"}
        return next(map(_opened, _of(branch, self._call("GET", "/pulls", params=wanted))), None)

    def status(self, branch: str, number: str, heads: Mapping[str, str]) -> Seen:
        return _seen(self._call("GET", f"/pulls/{number}"))

    def remarks(self, number: str) -> Sequence[Remark]:
        spoken = [_remark("c", row) for row in self._rows(f"/issues/{number}/comments")]
        written = [_remark("r", row) for row in self._rows(f"/pulls/{number}/comments")]
        return sorted(spoken + written, key=lambda remark: remark.at)

    def comment(self, number: str, text: str) -> None:
        self._call("POST", f"/issues/{number}/comments", json={"body": text})

    def close(self, number: str) -> None:
        self._call("PATCH", f"/pulls/{number}", json={"state": "closed"})

    def _labelled(self, number: str, labels: Sequence[str]) -> str:
        """What is wrong with the labels; they are worth a word, and no reason to have no request."""
        try:
            self._call("POST", f"/issues/{number}/labels", json={"labels": list(labels)})
        except Rejected as rejection:
            return f"Without labels: {rejection}"
        return ""

    def _rows(self, path: str) -> Iterator[Row]:
        for page in range(1, PAGES + 1):
            rows = _listed(self._call("GET", path, params={"per_page": PER_PAGE, "page": page}))
            yield from rows
            if len(rows) < PER_PAGE:
                return

    def _call(self, verb: str, path: str, **what: Any) -> Any:
        import httpx2  # noqa: PLC0415 - only the process that asks pays for it

        if not any(verb == may and rule.fullmatch(path) for may, rule in MAY):
            raise ValueError(f"{verb} {path} is no call of ours")
        refuse_inside_transaction()
        try:
            answer = self._client.request(verb, f"/repos/{self._remote.forge_repository}{path}", **what)
        except httpx2.HTTPError as error:
            raise Unreachable(
                self._remote.hushed(f"{self._remote.forge_url}: {type(error).__name__}: {error}")
            ) from None
        _judge(answer, self._remote)
        try:
            return answer.json()
        except ValueError:
            raise Unreachable(f"{self._remote.forge_url} answered with something that is not JSON.") from None


@contextmanager
def connected(remote: Remote) -> Iterator[GitHub]:
    """GitHub with the credential of the general cluster."""
    import httpx2  # noqa: PLC0415 - as above

    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if remote.token:
        headers["Authorization"] = f"Bearer {remote.token}"
    with httpx2.Client(base_url=remote.forge_url, headers=headers, timeout=SECONDS) as client:
        yield GitHub(client, remote)


def _cut(opening: Opening) -> str:
    if len(opening.body) <= LONGEST_BODY:
        return opening.body
    return f"{opening.body[:LONGEST_BODY]}\n\nThe whole of it is in the README.md of the branch."


def _judge(answer: httpx2.Response, remote: Remote) -> None:
    if answer.is_success:
        return
    words = remote.hushed(f"The forge answered {answer.status_code}: {_said(answer)}")
    is_spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    if answer.status_code in _LATER or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or is_spent:
        raise Unreachable(words)
    raise Rejected(words)


def _said(answer: httpx2.Response) -> str:
    with suppress(ValueError, TypeError, AttributeError):
        body = answer.json()
        errors = [each.get("message", "") for each in body.get("errors", []) if isinstance(each, dict)]
        return " ".join(filter(None, [body.get("message", ""), *errors]))[:500]
    return answer.text[:200]


def _documented(read: Callable[..., T]) -> Callable[..., T]:
    """Reads a part of an answer; one of another shape than the documented is as good as a refusal."""

    @wraps(read)
    def reading(*given: Any) -> T:
        try:
            return read(*given)
        except (AttributeError, KeyError, TypeError, ValueError) as odd:
            text = f"The forge answered with something that it does not document: {type(odd).__name__}."
            raise Rejected(text) from odd

    return reading


@_documented
def _listed(rows: Any) -> list[Row]:
    if not isinstance(rows, list):
        raise TypeError
    return rows


@_documented
def _of(branch: str, rows: Any) -> list[Row]:
    return [row for row in _listed(rows) if row["head"]["ref"] == branch]


@_documented
def _seen(row: Row) -> Seen:
    is_merged = bool(row.get("merged_at"))
    return Seen(
        status=_status(row),
        head=_commit(row["head"]["sha"]),
        merged_commit=_commit(row["merge_commit_sha"]) if is_merged and row.get("merge_commit_sha") else "",
        merged_by=_who(row.get("merged_by"), ""),
        merged_at=_moment(row["merged_at"]) if is_merged else None,
        remarks=int(row.get("comments", 0)) + int(row.get("review_comments", 0)),
        changed_at=_moment(row["updated_at"]) if row.get("updated_at") else None,
    )


def _status(row: Row) -> RequestStatus:
    if row.get("merged_at"):
        return RequestStatus.MERGED
    return RequestStatus.OPEN if row["state"] == "open" else RequestStatus.CLOSED


@_documented
def _opened(row: Row) -> Opened:
    url = row["html_url"]
    return Opened(str(int(row["number"])), url if _PAGE.fullmatch(url) else "")


@_documented
def _remark(kind: str, row: Row) -> Remark:
    line = row.get("line") or row.get("original_line")
    place = f"{_plain(row['path'])}:{line}" if row.get("path") else ""
    author = _who(row.get("user"), "somebody who left")
    return Remark(
        f"{kind}{int(row['id'])}", author, _plain(row["body"] or "", LONGEST), place, _moment(row["created_at"])
    )


def _who(person: Row | None, nobody: str) -> str:
    return _plain(person["login"]) if person else nobody


def _plain(text: str, longest: int = LONGEST_NAME) -> str:
    """Text of others as a database stores it."""
    return text.replace("\x00", "\ufffd")[:longest]


def _commit(name: str) -> str:
    if not _COMMIT.fullmatch(name):
        raise ValueError
    return name


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError
    return at
