"""Keeps what the role repository holds in the database, so that no page waits for git or needs its credential.

Roles are folders with `tasks/main.yml`, and whatever stands where we put a role. Only what changed is read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from portal.kit import canonical
from remediation.drafting import roles
from remediation.playbooks.repository import managing, reading, trees
from remediation.playbooks.repository.git import Clone, Entry
from remediation.playbooks.repository.models import Managed, MergedRole, RepositoryState

FOLDER = "roles"
MOST_ROLES = 2_000
"""Of either kind. Of the generated ones the newest are read: what waits for its run is among them."""
LONGEST_PATH = 500
"""Characters; a longer one would not fit into an index."""
_GENERATED = re.compile(r"(roles/generated/[0-9]+/[a-z][a-z0-9_]+)/.+")
_TASKS = "/tasks/main.yml"


def bring_up_to_date(clone: Clone, *, url: str, branch: str, commit: str, at: datetime) -> bool:
    """Read the main branch at `commit` if it is not the one that was read last; whether it was."""
    known = RepositoryState.objects.filter(url=url).first()
    if known and known.commit == commit:
        _looked(url, commit, at)
        return False
    clone.fetch(branch)
    entries = clone.entries(commit, f"{FOLDER}/")
    found = _trees(entries)
    kept = dict(MergedRole.objects.values_list("path", "tree"))
    changed = [path for path, tree in found.items() if kept.get(path) != tree]
    for path in changed:  # one after the other: nobody knows how much all of them are
        _keep(*_read(clone, entries, path, found[path], at))
    with transaction.atomic():
        MergedRole.objects.exclude(path__in=found).delete()
        _looked(url, commit, at)
    return True


def could_not_look(url: str, *, says: str, at: datetime) -> None:
    """What is known stays as it is, and says since when nobody could look."""
    RepositoryState.objects.update_or_create(
        url=url, defaults={"says": says}, create_defaults={"says": says, "looked_at": at}
    )


def _looked(url: str, commit: str, at: datetime) -> None:
    """The roles are those of this repository from now on, and of no other that was read before."""
    RepositoryState.objects.exclude(url=url).update(commit="")
    RepositoryState.objects.update_or_create(url=url, defaults={"commit": commit, "looked_at": at, "says": ""})


def _trees(entries: Iterable[Entry]) -> dict[str, str]:
    """The folders that hold a role, with git's names for what is in them."""
    every = list(entries)
    folders = {entry.path: entry.name for entry in every if entry.kind == "tree"}
    paths = [entry.path for entry in every if entry.kind != "tree"]
    matches = [match[1] for path in paths if (match := _GENERATED.fullmatch(path))]
    generated = {path for path in matches if len(path) <= LONGEST_PATH}
    by_hand = {path.removesuffix(_TASKS) for path in paths if path.endswith(_TASKS)}
    by_hand = {path for path in by_hand - generated if len(path) <= LONGEST_PATH}
    read = [*sorted(generated, key=reading.age, reverse=True)[:MOST_ROLES], *sorted(by_hand)[:MOST_ROLES]]
    return {path: folders[path] for path in read if path in folders}


def _read(
    clone: Clone, entries: Iterable[Entry], path: str, tree: str, at: datetime
) -> tuple[MergedRole, dict[str, str]]:
    """A role as it is kept. One that is not all plain text has no digest: it is nobody's proven role."""
    name = path.rpartition("/")[2]
    files, is_all = trees.read(clone, entries, path)
    text = canonical.text_of({"name": name, "files": files}, version=roles.VERSION)
    digest = canonical.digest_of(text) if is_all else ""
    return MergedRole(path=path, name=name, tree=tree, content=text, digest=digest, seen_at=at), files


def _keep(role: MergedRole, files: dict[str, str]) -> None:
    uses = managing.uses_of(files)
    with transaction.atomic():
        MergedRole.objects.filter(path=role.path).delete()
        role.save(force_insert=True)
        Managed.objects.bulk_create(
            Managed(role=role, kind=use.kind, value=use.value, file=use.file, line=use.line) for use in uses
        )
