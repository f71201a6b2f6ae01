"""What is known of the roles in the role repository, from the database: no page asks git, or waits for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from django.conf import settings
from django.db.models import Q

from portal.kit import canonical
from remediation.drafting import roles
from remediation.playbooks.repository.models import Managed, MergedRole, RepositoryState

MOST_ANSWERS = 100


@dataclass(frozen=True, slots=True)
class Manager:
    """A merged role that manages something: file and line of the task, and the path, service or package it names."""

    role: str
    folder: str
    file: str
    line: int
    value: str


@dataclass(frozen=True, slots=True)
class Known:
    """How fresh the answers are; `says` is why nobody could look, if nobody could."""

    commit: str
    looked_at: datetime
    says: str


def known() -> Known | None:
    """The last look at the role repository; None before the first one, or where there is no repository."""
    state = RepositoryState.objects.filter(url=settings.ROLE_REPOSITORY.url).exclude(commit="").first()
    return Known(state.commit, state.looked_at, state.says) if state else None


def merged_files(name: str) -> dict[str, str]:
    """The files of the role of that name on the main branch, path to text; empty if there is none.

    Of several it is the newest generated one.
    """
    paths = MergedRole.objects.filter(name=name).values_list("path", flat=True)
    newest = MergedRole.objects.filter(path=max(paths, key=age, default="")).first()
    files: dict[str, str] = canonical.parse(newest.content, version=roles.VERSION)["files"] if newest else {}
    return files


def managers_of(paths: Iterable[str], *, but: str = "") -> list[Manager]:
    """The merged roles whose tasks name one of these paths, a folder above it, or something below it."""
    wanted = Q()
    for path in {_clean(path) for path in paths}:
        above = [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "/"]
        wanted |= Q(value__in=[path, *above]) | Q(value__startswith=f"{path}/")
    return _managers(Q(kind=Managed.Kind.PATH) & wanted, but) if wanted else []


def managers_of_services(services: Collection[str], *, but: str = "") -> list[Manager]:
    """The merged roles whose tasks name one of these services, with or without `.service`."""
    units = {service.removesuffix(".service") for service in services}
    names = [*units, *(f"{unit}.service" for unit in units)]
    return _managers(Q(kind=Managed.Kind.SERVICE, value__in=names), but)


def managers_of_packages(packages: Collection[str], *, but: str = "") -> list[Manager]:
    """The merged roles whose tasks name one of these packages."""
    return _managers(Q(kind=Managed.Kind.PACKAGE, value__in=list(packages)), but)


def _managers(wanted: Q, but: str) -> list[Manager]:
    rows = Managed.objects.filter(wanted).exclude(role__name=but).select_related("role")
    rows = rows.defer("role__content").order_by("role__path", "file", "line")[:MOST_ANSWERS]
    return [Manager(row.role.name, row.role.path, row.file, row.line, row.value) for row in rows]


def _clean(path: str) -> str:
    """A path of a scope without what stands for anything below it."""
    return "/" + path.strip("/").removesuffix("/**").removesuffix("/*")


def age(path: str) -> tuple[bool, int, str]:
    """Roles written by hand first, then generated ones by the number of their remediation."""
    number = path.removeprefix("roles/generated/").partition("/")[0]
    return (number.isdecimal(), int(number) if number.isdecimal() else 0, path)
